"""What administrators type about the ways out."""

from typing import Any

from django import forms

from pneumoscope.web.accounts.models import User
from pneumoscope.web.gateway.incoming_forms import SiteForm
from pneumoscope.web.gateway.models import Destination
from pneumoscope.web.gateway.models.deliveries import Stage
from pneumoscope.web.gateway.models.destinations import SENDABLE, Event


class DestinationForm(SiteForm):
    objects_sent = forms.MultipleChoiceField(
        label="Objects",
        choices=[(kind.value, kind.label) for kind in SENDABLE],
        required=False,
        help_text="For DICOM and DICOMweb; none chosen: all that a result has.",
    )

    events = forms.MultipleChoiceField(
        label="Events",
        choices=Event.choices,
        required=False,
        help_text="For webhooks; none chosen: all of them.",
    )

    class Meta:
        model = Destination
        fields = [
            *("site", "name", "protocol", "enabled", "results", "objects_sent", "events"),
            *("host", "port", "tls", "ae_title", "url", "secret"),
            *("token_url", "client_id", "scope"),
            *("receiving_application", "receiving_facility", "character_set", "patient_id_system"),
        ]
        labels = {"patient_id_system": "Patient numbers are given out by"}
        widgets = {
            # Never sent back to the browser; an empty one keeps what is there.
            "secret": forms.PasswordInput(attrs={"autocomplete": "off"}),
        }
        help_texts = {
            "host": "For DICOM and HL7.",
            "ae_title": "The peer’s, for DICOM.",
            "url": "For DICOMweb, FHIR and webhooks: the service’s base.",
            "secret": "Bearer token, client secret, or what a webhook’s signature is made with. "
            "Empty keeps it.",
            "token_url": "OAuth 2.0 client credentials, for DICOMweb and FHIR; empty: the token "
            "above is sent as it is.",
            "scope": "Words with blanks between, as the authority wants them.",
            "receiving_application": "MSH-5, for HL7.",
            "receiving_facility": "MSH-6, for HL7.",
            "character_set": "MSH-18, for HL7, such as UNICODE UTF-8 or 8859/1.",
            "patient_id_system": "URI for FHIR, such as urn:oid:2.16…; name or OID for HL7.",
        }

    def clean_secret(self) -> str:
        return self.secret_of("secret")


class DeliveryFilter(forms.Form):
    destination = forms.ModelChoiceField(None, required=False, empty_label="All")
    stage = forms.ChoiceField(choices=[("", "All"), *Stage.choices], required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Destination.objects.visible_to(user, "site.manage")
        self.fields["destination"].queryset = mine

    def chosen(self) -> dict[str, Any]:
        """Conditions on deliveries; what makes no sense is no condition."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}
