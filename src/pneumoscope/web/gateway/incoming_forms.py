"""What administrators type about the ways in."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.gateway.models import Peer, Pull, RoutingRule

_LIST = _("Separated by commas. Empty: any.")


class SiteForm(forms.ModelForm):
    """A row of one of the sites that the person manages; others do not exist."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites = Site.objects.filter(pk__in=user.sites_with("site.manage"))
        site = self.fields["site"]
        site.queryset, site.empty_label, site.initial = sites, None, user.site
        if "peer" in self.fields:
            self.fields["peer"].queryset = Peer.objects.filter(site__in=sites)

    def secret_of(self, name: str) -> str:
        """As typed, or else the one that is there, for the address that it was given for alone."""
        typed = str(self.cleaned_data[name])
        same = not {"url", "token_url"} & set(self.changed_data)
        return typed or (str(getattr(self.instance, name)) if same else "")


class PeerForm(SiteForm):
    class Meta:
        model = Peer
        fields = ["site", "ae_title", "network", "may_send", "host", "port"]
        labels = {
            "site": _("Site"),
            "ae_title": _("AE title"),
            "network": _("Sends from"),
            "may_send": _("May send images here"),
            "host": _("Host"),
            "port": _("Port"),
        }
        help_texts = {
            "network": _("An address or a network, such as 10.1.0.0/16. Empty: any address."),
            "host": _("Where the peer itself listens, for queries and for storage commitment."),
        }


class RuleForm(SiteForm):
    class Meta:
        model = RoutingRule
        fields = [
            *("site", "position", "name", "analyse"),
            *("modalities", "body_parts", "views", "age_from", "age_to"),
        ]
        labels = {
            "site": _("Site"),
            "position": _("Position"),
            "name": _("Name"),
            "analyse": _("Analyse the images that fit"),
            "modalities": _("Modalities"),
            "body_parts": _("Body parts"),
            "views": _("View positions"),
            "age_from": _("Age from, years"),
            "age_to": _("Age below, years"),
        }
        help_texts = {
            "position": _("The lowest comes first; the first rule that fits decides."),
            **dict.fromkeys(["modalities", "body_parts", "views"], _LIST),
        }


class PullForm(SiteForm):
    class Meta:
        model = Pull
        fields = [
            *("site", "name", "enabled", "method", "peer", "url", "username", "token"),
            *("station", "procedure", "modalities", "body_parts"),
            *("since", "priors", "every_minutes"),
        ]
        labels = {
            "site": _("Site"),
            "name": _("Name"),
            "enabled": _("Enabled"),
            "method": _("Protocol"),
            "peer": _("Peer"),
            "url": _("Address (URL)"),
            "username": _("User name"),
            "token": _("Token or password"),
            "station": _("Scheduled station"),
            "procedure": _("Scheduled procedure"),
            "modalities": _("Modalities"),
            "body_parts": _("Body parts"),
            "since": _("Studies since"),
            "priors": _("Prior studies to fetch"),
            "every_minutes": _("Interval, minutes"),
        }
        help_texts = {
            "peer": _("For C-GET, C-MOVE and the modality worklist."),
            "url": _("Base address of the service, for DICOMweb and work items."),
            "username": _("For HTTP Basic. Empty: a bearer token is sent."),
            "token": _(
                "Bearer token, or with a user name its password. "
                "Leave it empty to keep the present one."
            ),
            "station": _(
                "AE title for a modality worklist, code of the station name for work items."
            ),
            "procedure": _("Code of the scheduled work item, for work items."),
            **dict.fromkeys(["modalities", "body_parts"], _LIST),
        }
        widgets = {
            "since": forms.DateInput(attrs={"type": "date"}),
            # Never sent back to the browser; an empty one keeps what is there.
            "token": forms.PasswordInput(attrs={"autocomplete": "off"}),
        }

    def clean_token(self) -> str:
        return self.secret_of("token")
