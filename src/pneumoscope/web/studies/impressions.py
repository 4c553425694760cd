"""What a reader who reads blind is asked before the result."""

from django import forms
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.studies.models import Finding

CONFIDENCES = [
    ("", _("Not said")),
    ("1", _("1 – a guess")),
    ("2", "2"),
    ("3", _("3 – fairly sure")),
    ("4", "4"),
    ("5", _("5 – certain")),
]


class ImpressionForm(forms.Form):
    finding = forms.ChoiceField(choices=Finding.choices, widget=forms.RadioSelect)
    confidence = forms.TypedChoiceField(
        choices=CONFIDENCES, coerce=int, empty_value=None, required=False
    )
