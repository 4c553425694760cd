"""Which studies are asked for: one form for the worklist, its exports and the API."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import User
from pneumoscope.web.studies.blinding import blind_sites
from pneumoscope.web.studies.bulk import readers_of
from pneumoscope.web.studies.coded import NO_RESULT, title_of
from pneumoscope.web.studies.conditions import (
    AGES,
    CONDITIONS,
    DISAGREEMENTS,
    ME,
    NOBODY,
    RESULTS,
    SEXES,
    STATES,
    UNKNOWN,
    VIEWS,
    reviewed,
)
from pneumoscope.web.studies.models import Source, Study
from pneumoscope.web.studies.searching import search

SORTS = {"suspicious": _("Suspicious first"), "newest": _("Newest first")}


def _choice(label: str, choices: dict[str, str]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, choices=[("", _("Any")), *choices.items()], required=False
    )


def _day(label: str) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"})
    return forms.DateField(label=label, required=False, widget=widget)


class Filters(forms.Form):
    """What was asked for. `asked` leaves out what is empty or not understood (see `errors`)."""

    q = forms.CharField(
        label=_("Patient, accession, study or file"), required=False, max_length=128
    )
    result = _choice(_("Result"), {name: word for name, (word, *_) in RESULTS.items()})
    state = _choice(_("State"), STATES)
    sort = _choice(_("Sort by"), SORTS)
    reason = forms.CharField(
        label=_("Reason for no result"),
        required=False,
        max_length=60,
        widget=forms.Select,  # of the known ones: who comes with another keeps it
    )
    age = _choice(
        _("Age"), {**{name: word for name, (word, *_) in AGES.items()}, UNKNOWN: _("Not known")}
    )
    sex = _choice(_("Sex"), SEXES | {UNKNOWN: _("Not known")})
    view = _choice(_("View"), VIEWS | {UNKNOWN: _("Other or not known")})
    site = forms.ChoiceField(label=_("Site"), required=False)
    source = _choice(_("Source"), dict(Source.choices))
    reviewed = forms.ChoiceField(label=_("Reviewed by"), required=False)
    disagreement = _choice(
        _("Disagreement"), {name: word for name, (word, *_) in DISAGREEMENTS.items()}
    )
    assigned = _choice(_("Assigned"), {"me": _("To me"), "nobody": _("To nobody")})
    since = _day(_("Received from"))
    until = _day(_("Received to"))

    def __init__(self, user: User, data: dict[str, str]) -> None:
        self.user = user
        self.readers = readers_of(user)
        self.blind = bool(blind_sites(user))
        clean = {name: value.replace("\x00", "") for name, value in data.items()}
        super().__init__({**clean, "q": clean.get("q", "").strip()[:128]})
        sites = [user.seats[key].site for key in user.sites_with("study.view")]
        self.fields["site"].choices = [("", _("All")), *((site.code, site.name) for site in sites)]
        self.fields["reviewed"].choices = self._reviewers
        codes = {code: title for code, (title, _words) in NO_RESULT.items()}
        if asked := clean.get("reason"):
            codes.setdefault(asked, title_of(asked))
        self.fields["reason"].widget.choices = [("", _("Any")), *codes.items()]
        if self.blind:
            # Neither the order nor a choice of results leads who has to look first.
            self.fields["result"].choices = self.fields["disagreement"].choices = [("", _("Any"))]
            self.fields["sort"].choices = [("", _("Any")), ("newest", SORTS["newest"])]
        for field in self.fields.values():
            # The fields may stand outside of their form, which is in the toolbar.
            field.widget.attrs["form"] = "filters"

    def _reviewers(self) -> list[tuple[str, Any]]:
        """Asked for only where somebody looks at the choices."""
        names = [reader.username for reader in self.readers]
        fixed = [("", _("Anybody or nobody")), (ME, _("Me")), (NOBODY, _("Nobody yet"))]
        return [*fixed, *((name, name) for name in names)]

    @property
    def asked(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def left_out(self) -> list[Any]:
        """The labels of what was asked for and not understood."""
        return [self.fields[name].label for name in self.errors]

    @property
    def sort_by(self) -> str:
        return "newest" if self.blind else self.asked.get("sort", "suspicious")

    @property
    def query(self) -> str:
        """The same filters as the part of an address after the question mark."""
        return urlencode(self.asked)

    def studies(self) -> QuerySet[Study]:
        """The user's studies, in no order. Patients are searched only where they may be named."""
        return self._studies.all()

    @cached_property
    def _studies(self) -> QuerySet[Study]:
        asked = self.asked
        found = Study.objects.visible_to(self.user)
        for name, condition in CONDITIONS.items():
            if name in asked:
                found = found.filter(condition(asked[name]))
        if "reviewed" in asked:
            found = found.filter(reviewed(self.user, asked["reviewed"]))
        if "assigned" in asked:
            found = found.filter(assigned_to=self.user if asked["assigned"] == "me" else None)
        return found.filter(search(self.user, asked["q"])) if "q" in asked else found
