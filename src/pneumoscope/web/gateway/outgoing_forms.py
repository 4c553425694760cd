"""What administrators type about the ways out."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import User
from pneumoscope.web.gateway.incoming_forms import SiteForm
from pneumoscope.web.gateway.models import Destination
from pneumoscope.web.gateway.models.deliveries import Stage
from pneumoscope.web.gateway.models.destinations import SENDABLE, Event, Proof


class DestinationForm(SiteForm):
    objects_sent = forms.MultipleChoiceField(
        label=_("Objects"),
        choices=[(kind.value, kind.label) for kind in SENDABLE],
        required=False,
        help_text=_("For DICOM and DICOMweb. None chosen: all that a result has."),
    )

    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=Event.choices,
        required=False,
        help_text=_("For webhooks. None chosen: all."),
    )

    audit_since = forms.BooleanField(
        label=_("Audit records"),
        required=False,
        help_text=_("For FHIR: who read what here over FHIR goes there too, as AuditEvent."),
    )

    class Meta:
        model = Destination
        fields = [
            *("site", "name", "protocol", "enabled", "results", "objects_sent", "events"),
            *("host", "port", "tls", "ae_title", "url", "secret"),
            *("token_url", "client_id", "client_proof", "scope"),
            *("receiving_application", "receiving_facility", "character_set", "patient_id_system"),
        ]
        labels = {
            "site": _("Site"),
            "name": _("Name"),
            "protocol": _("Protocol"),
            "enabled": _("Enabled"),
            "results": _("Results"),
            "host": _("Host"),
            "port": _("Port"),
            "ae_title": _("AE title"),
            "url": _("Address (URL)"),
            "secret": _("Token or secret"),
            "token_url": _("Token endpoint (URL)"),
            "client_id": _("User name or client ID"),
            "client_proof": _("Proof of identity"),
            "scope": _("Scope"),
            "receiving_application": _("Receiving application"),
            "receiving_facility": _("Receiving facility"),
            "character_set": _("Character set"),
            "patient_id_system": _("Issuer of patient IDs"),
        }
        widgets = {
            # Never sent back to the browser; an empty one keeps what is there.
            "secret": forms.PasswordInput(attrs={"autocomplete": "off"}),
        }
        help_texts = {
            "host": _("For DICOM and HL7."),
            "ae_title": _("The peer’s, for DICOM."),
            "url": _("Base address of the service, for DICOMweb, FHIR and webhooks."),
            "secret": _(
                "Bearer token, password, client secret, or the key of a webhook’s signature. "
                "Leave it empty to keep the present one."
            ),
            "token_url": _(
                "OAuth 2.0 client credentials, for DICOMweb and FHIR. "
                "Empty: the token above is sent as it is, or with a user name as its password."
            ),
            "client_id": _(
                "For DICOMweb and FHIR. Without a token endpoint: the user name for HTTP Basic."
            ),
            "client_proof": _(
                "For the token endpoint. With a signed assertion a key is made when you save; "
                "its public part is then shown here, to be registered there."
            ),
            "scope": _("Words separated by spaces, as the authorization server expects them."),
            "receiving_application": _("MSH-5, for HL7."),
            "receiving_facility": _("MSH-6, for HL7."),
            "character_set": _("MSH-18, for HL7, such as UNICODE UTF-8 or 8859/1."),
            "patient_id_system": _("URI for FHIR, such as urn:oid:2.16…; name or OID for HL7."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["audit_since"].initial = bool(self.instance.audit_since)

    def clean_secret(self) -> str:
        return self.secret_of("secret")

    def clean(self) -> dict[str, Any]:
        """A key is neither typed nor taken for a secret, and stays where it signs as before."""
        cleaned: dict[str, Any] = super().clean()
        since = self.instance.audit_since or timezone.now()
        self.instance.audit_since = since if cleaned.get("audit_since") else None
        key = self.instance.secret if self.instance.signs else ""
        if cleaned.get("client_proof", Proof.SECRET) != Proof.SECRET:
            cleaned["secret"] = key
        elif key and cleaned.get("secret") == key:
            cleaned["secret"] = ""
        return cleaned


class DeliveryFilter(forms.Form):
    destination = forms.ModelChoiceField(
        None, required=False, empty_label=_("All"), label=_("Destination")
    )
    stage = forms.ChoiceField(
        choices=[("", _("All")), *Stage.choices], required=False, label=_("State")
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Destination.objects.visible_to(user, "site.manage")
        self.fields["destination"].queryset = mine

    def chosen(self) -> dict[str, Any]:
        """Conditions on deliveries; what makes no sense is no condition."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
