"""What a reader fills in beside the image."""

import json
import time
from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.reviews.models import Kind, Review
from pneumoscope.web.reviews.regions import RegionsField
from pneumoscope.web.reviews.services import Opinion, label_of
from pneumoscope.web.reviews.states import Agreement, Label
from pneumoscope.web.studies.models import Analysis

SALT = "review form opened"
LONGEST_SECONDS = 86_400


class ReviewForm(forms.Form):
    """`opened` is when the form was written, signed: the reading time is not the reader's to say.

    supersedes: the key of the review that stood when the form was written.
    """

    kind = forms.ChoiceField(choices=Kind.choices, widget=forms.HiddenInput)
    supersedes = forms.IntegerField(required=False, widget=forms.HiddenInput)
    opened = forms.CharField(widget=forms.HiddenInput)
    agreement = forms.ChoiceField(choices=Agreement.choices, widget=forms.RadioSelect)
    label = forms.ChoiceField(
        choices=[("", _("As the result says")), *Label.choices], required=False
    )
    erased = forms.TypedMultipleChoiceField(
        required=False, coerce=int, widget=forms.CheckboxSelectMultiple
    )
    comment = forms.CharField(required=False, max_length=2000, widget=forms.Textarea({"rows": 3}))

    def __init__(self, analysis: Analysis, kind: Kind, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.analysis = analysis
        regions = analysis.record["regions"]
        self.fields["erased"].choices = [(i, each["zone"]) for i, each in enumerate(regions)]
        image = analysis.image
        self.fields["drawn"] = RegionsField(columns=image.columns or 0, rows=image.rows or 0)
        if kind == Kind.ADJUDICATION:
            choices = self.fields["agreement"].choices
            self.fields["agreement"].choices = [
                each for each in choices if each[0] != Agreement.UNSURE
            ]

    @classmethod
    def written(cls, analysis: Analysis, kind: Kind, standing: Review | None) -> "ReviewForm":
        """The form as it is first shown, with what stands."""
        initial: dict[str, Any] = {"kind": kind, "opened": opened_now()}
        if standing:
            initial |= {
                "supersedes": standing.pk,
                "agreement": standing.agreement,
                "label": standing.label,
                "erased": standing.erased_regions,
                "drawn": json.dumps([each["contour"] for each in standing.drawn_regions]),
                "comment": standing.comment,
            }
        return cls(analysis, kind, initial=initial)

    def again(self, standing: Review | None) -> "ReviewForm":
        """The same words on top of what stands now."""
        data = self.data.copy()
        data["supersedes"] = str(standing.pk) if standing else ""
        return ReviewForm(self.analysis, Kind(self.data["kind"]), data)

    def clean(self) -> dict[str, Any]:
        found = super().clean()
        agreement, label = found.get("agreement"), found.get("label")
        called = label_of(self.analysis)
        if agreement == Agreement.AGREE:
            found["label"] = label or called
            if (found["label"] in {Label.NORMAL, Label.OTHER}) != (called == Label.NORMAL):
                self.add_error("label", _("This contradicts the result: choose Disagree for it."))
        elif agreement == Agreement.DISAGREE and label in {"", called}:
            self.add_error("label", _("Say what the image shows instead."))
        if found.get("drawn") and found.get("label") == Label.NORMAL:
            self.add_error("drawn", _("A normal image has no regions: remove them."))
        return found

    @property
    def opinion(self) -> Opinion:
        found = self.cleaned_data
        return Opinion(
            agreement=found["agreement"],
            label=found["label"],
            comment=found["comment"],
            erased_regions=tuple(found["erased"]),
            drawn_regions=tuple(found["drawn"]),
            seconds=seconds_since(found["opened"]),
        )


def opened_now() -> str:
    return signing.dumps(time.time(), salt=SALT)


def seconds_since(opened: str) -> int:
    """Whole seconds; a forged or outworn time counts as the longest, which statistics leave out."""
    try:
        then = float(signing.loads(opened, salt=SALT, max_age=LONGEST_SECONDS))
    except signing.BadSignature:
        return LONGEST_SECONDS
    return round(max(0.0, time.time() - then))
