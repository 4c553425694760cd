"""What administrators type about the ways in."""

from typing import Any

from django import forms

from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.gateway.models import Peer, Pull, RoutingRule


class SiteForm(forms.ModelForm):
    """A row of one of the sites that the person manages; others do not exist."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sites = Site.objects.filter(pk__in=user.sites_with("site.manage"))
        self.fields["site"] = forms.ModelChoiceField(sites, empty_label=None, initial=user.site)
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
            "network": "Sends from",
            "may_send": "May send to us",
            "host": "Its own host",
            "port": "Its own port",
        }
        help_texts = {
            "network": "Address or network; empty: from anywhere.",
            "host": "Needed to ask it, and for storage commitment.",
        }


class RuleForm(SiteForm):
    class Meta:
        model = RoutingRule
        fields = [
            *("site", "position", "name", "analyse"),
            *("modalities", "body_parts", "views", "age_from", "age_to"),
        ]
        labels = {
            "analyse": "Images that fit are analysed",
            "views": "View positions",
            "age_from": "Age from (years)",
            "age_to": "Age below (years)",
        }
        help_texts = {
            "position": "Lower comes first; the first rule that fits decides.",
            "modalities": "Separated by commas; empty: any.",
        }


class PullForm(SiteForm):
    class Meta:
        model = Pull
        fields = [
            *("site", "name", "enabled", "method", "peer", "url", "token"),
            *("station", "procedure", "modalities", "body_parts"),
            *("since", "priors", "every_minutes"),
        ]
        help_texts = {
            "peer": "For C-GET, C-MOVE and the modality worklist.",
            "url": "For DICOMweb and work items: the service’s base.",
            "token": "Bearer token. Empty keeps it.",
            "station": "AE title for a modality worklist, code of the station name for work items.",
            "procedure": "Code of the scheduled work item, for work items.",
            "modalities": "Separated by commas; empty: any.",
        }
        widgets = {
            "since": forms.DateInput(attrs={"type": "date"}),
            # Never sent back to the browser; an empty one keeps what is there.
            "token": forms.PasswordInput(attrs={"autocomplete": "off"}),
        }

    def clean_token(self) -> str:
        return self.secret_of("token")
