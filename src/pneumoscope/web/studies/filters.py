"""Which studies are asked for: one form for the worklist, its exports and the API."""

import uuid
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import User
from pneumoscope.web.audit.days import days
from pneumoscope.web.studies.blinding import blind_sites
from pneumoscope.web.studies.bulk import readers_of
from pneumoscope.web.studies.models import Analysis, Image, Source, Study
from pneumoscope.web.studies.states import PENDING, State

SORTS = {"suspicious": _("Suspicious first"), "newest": _("Newest first")}
RESULTS = {
    "suspicious": (_("Suspicious"), Q(positive=True)),
    "unlikely": (_("Pneumonia unlikely"), Q(positive=False)),
    "uncertain": (_("Uncertain"), Q(uncertain=True)),
}
IN_PROGRESS = "PENDING"
ME, NOBODY = ":me", ":nobody"
NO_RESULT = "NO_RESULT"
STATES = {
    IN_PROGRESS: _("In progress"),
    **dict(State.choices),
    NO_RESULT: _("Without a result"),
}
UNFIT = (State.REJECTED, State.FAILED)
# Of age, sex and view: neither the file nor a person says one of the others.
UNKNOWN = "unknown"
# Years, the upper end not included.
AGES: dict[str, tuple[str, float, float]] = {
    "0-1": (_("Under 1 year"), 0, 1),
    "1-6": (_("1 to 5 years"), 1, 6),
    "6-18": (_("6 to 17 years"), 6, 18),
    "18-65": (_("18 to 64 years"), 18, 65),
    "65-": (_("65 years and over"), 65, 200),
}
SEXES = {"F": _("Female"), "M": _("Male"), "O": _("Other")}
VIEWS = {"PA": "PA", "AP": "AP", "LL": _("Left lateral"), "RL": _("Right lateral")}


# By the names of `reviews`, whose models this app does not import.
DISAGREEMENTS = {
    "model": (
        _("A reader disagrees with the result"),
        Q(reading__reviews__agreement="disagree", reading__reviews__superseded=None),
    ),
    "readers": (_("Readers disagree, nobody has decided"), Q(reading__state="DISPUTED")),
}


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
    sort = _choice(_("Order"), SORTS)
    reason = forms.CharField(
        label=_("Code of why there is no result"), required=False, max_length=60
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
        self.fields["site"].choices = [("", "All"), *((site.code, site.name) for site in sites)]
        self.fields["reviewed"].choices = self._reviewers
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
    def sort_by(self) -> str:
        return "newest" if self.blind else self.asked.get("sort", "suspicious")

    @property
    def query(self) -> str:
        """The same filters as the part of an address after the question mark."""
        return urlencode(self.asked)

    def studies(self) -> QuerySet[Study]:
        """The user's studies, in no order. Patients are searched only where they may be named."""
        asked = self.asked
        found = Study.objects.visible_to(self.user)
        for name, condition in _CONDITIONS.items():
            if name in asked:
                found = found.filter(condition(asked[name]))
        if "reviewed" in asked:
            found = found.filter(_reviewed(self.user, asked["reviewed"]))
        if "assigned" in asked:
            found = found.filter(assigned_to=self.user if asked["assigned"] == "me" else None)
        return found.filter(_search(self.user, asked["q"])) if "q" in asked else found


def _search(user: User, word: str) -> Q:
    """Patient, accession and study where names may be seen; file names everywhere."""
    named = Q(patient_id__icontains=word) | Q(patient_name__icontains=word)
    named |= Q(accession_number__iexact=word) | Q(study_instance_uid=word)
    match = Q(pk__in=Image.objects.filter(source_name__icontains=word).values("study"))
    match |= Q(site__in=user.sites_with("patient.reveal")) & named
    try:
        return match | Q(pk=uuid.UUID(word))
    except ValueError:
        return match


def _reviewed(user: User, word: str) -> Q:
    """By a review that stands. ME and NOBODY cannot be names: names have no colon."""
    if word == NOBODY:
        read = Analysis.objects.filter(image__study=OuterRef("pk"), reading__isnull=False)
        return ~Q(Exists(read))
    reader = user.username if word == ME else word
    return _of_analyses(
        Q(reading__reviews__reader__username=reader, reading__reviews__superseded=None)
    )


def _of_analyses(condition: Q) -> Q:
    return Q(pk__in=Analysis.objects.filter(condition).values("image__study"))


def _state(word: str) -> Q:
    several = {IN_PROGRESS: PENDING, NO_RESULT: UNFIT}
    return Q(state__in=several[word]) if word in several else Q(state=word)


def _reason(code: str) -> Q:
    """With which an image of the study ended."""
    return Q(pk__in=Image.objects.filter(failure_code=code).values("study"))


def _age(word: str) -> Q:
    if word == UNKNOWN:
        return Q(description__age_years=None, age_years=None)
    _, low, high = AGES[word]
    typed = Q(description__age_years__gte=low, description__age_years__lt=high)
    return typed | Q(description__age_years=None, age_years__gte=low, age_years__lt=high)


def _sex(word: str) -> Q:
    """As typed, else as the file says; no row of what was typed is an empty one."""
    silent = Q(description=None) | Q(description__sex="")
    if word == UNKNOWN:
        return silent & ~Q(sex__in=[*SEXES])
    return Q(description__sex=word) | silent & Q(sex=word)


def _view(word: str) -> Q:
    """Of an image's file, or as typed for images whose files name none."""
    images = Image.objects.filter(study=OuterRef("pk"))
    if word == UNKNOWN:
        silent = Q(description=None) | Q(description__view_position="")
        strange = images.exclude(view_position__in=["", *VIEWS])
        return Exists(strange) | silent & Exists(images.filter(view_position=""))
    typed = Q(description__view_position=word) & Exists(images.filter(view_position=""))
    return typed | Exists(images.filter(view_position=word))


_CONDITIONS = {
    "result": lambda word: RESULTS[word][1],
    "state": _state,
    "reason": _reason,
    "age": _age,
    "sex": _sex,
    "view": _view,
    "disagreement": lambda word: _of_analyses(DISAGREEMENTS[word][1]),
    "site": lambda word: Q(site__code=word),
    "source": lambda word: Q(source=word),
    "since": lambda day: days("created", since=day),
    "until": lambda day: days("created", until=day),
}
