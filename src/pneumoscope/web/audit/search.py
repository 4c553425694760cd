"""Finding events: of one site, newest first."""

import uuid
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.audit.actions import ACTIONS
from pneumoscope.web.audit.days import days
from pneumoscope.web.audit.models import Event
from pneumoscope.web.audit.pseudonym import patient_pseudonym

ORDER = ("at", "id")
INSTALLATION = "installation"


class Search(forms.Form):
    """What the auditor asked for. What is not understood is an error and finds nothing."""

    site = forms.ChoiceField(required=False, label=_("Site"))
    person = forms.CharField(required=False, max_length=150, label=_("User name"))
    about = forms.CharField(
        required=False, max_length=64, label=_("Patient ID, pseudonym or study")
    )
    action = forms.ChoiceField(
        required=False, label=_("What"), choices=[("", _("Any")), *ACTIONS.items()]
    )
    since = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label=_("To"), widget=forms.DateInput(attrs={"type": "date"})
    )

    def __init__(self, user: User, data: Any) -> None:
        sites = Site.objects.filter(pk__in=user.sites_with("audit.view"))
        self.keys = {site.code: site.pk for site in sites}
        working = user.site.code if user.site and user.site.code in self.keys else None
        self.default = working or next(iter(self.keys))
        super().__init__({**data.dict(), "site": data.get("site") or self.default})
        names = [(site.code, site.name) for site in sites]
        self.fields["site"].choices = [*names, (INSTALLATION, _("Of no site"))]

    def events(self) -> QuerySet[Event]:
        """Ordered as shown; `select_related` for the person's name."""
        if not self.is_valid():
            return Event.objects.none()
        asked = self.cleaned_data
        site_id = self.keys.get(asked["site"])
        found = (
            Event.objects.filter(site_id=site_id) if site_id else Event.objects.filter(site=None)
        )
        if asked["person"]:
            found = found.filter(actor=User.objects.filter(username=asked["person"]).first() or -1)
        if asked["about"]:
            found = found.filter(_about(asked["about"], site_id or 0))
        if asked["action"]:
            found = found.filter(action=asked["action"])
        found = found.filter(days("at", since=asked["since"], until=asked["until"]))
        return found.select_related("actor").order_by(*(f"-{name}" for name in ORDER))


def _about(word: str, site_id: int) -> Q:
    """A study's key, a pseudonym as the worklist shows it, or the patient's ID at this site."""
    try:
        return Q(study=uuid.UUID(word))
    except ValueError:
        pass
    if word.upper().startswith("P-") and len(word) == 10:
        return Q(patient=word.upper())
    return Q(patient=patient_pseudonym(site_id, word))
