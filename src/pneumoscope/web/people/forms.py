"""What people type into the pages of this app."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.accounts.operating import POINTS
from pneumoscope.web.accounts.roles import Role, Scope

LIVES = [(7, _("7 days")), (30, _("30 days")), (90, _("90 days")), (365, _("one year"))]


class SiteChoice(forms.ModelChoiceField):
    """One of the sites at which the person who asks has the right; others do not exist."""

    def __init__(self, user: User, right: Any, **kwargs: Any) -> None:
        sites = Site.objects.filter(pk__in=user.sites_with(right))
        super().__init__(sites, empty_label=None, **kwargs)


class InvitationForm(forms.ModelForm):
    role = forms.ChoiceField(choices=Role.choices, label=_("Role"))

    class Meta:
        model = User
        fields = ["username", "first_name", "last_name", "email"]
        labels = {"username": _("User name"), "email": _("E-mail (for single sign-on)")}

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"] = SiteChoice(user, "people.manage", initial=user.site, label=_("Site"))
        self.fields["username"].help_text = ""


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=[("", _("No access")), *Role.choices], required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"] = SiteChoice(user, "people.manage")


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=60, label=_("Name"), help_text=_("The program that will use it.")
    )
    scope = forms.ChoiceField(choices=Scope.choices, label=_("Scope"))
    life = forms.TypedChoiceField(
        choices=LIVES,
        initial=90,
        label=_("Expires after"),
        coerce=lambda days: timedelta(days=int(days)),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mine = Site.objects.filter(pk__in=user.seats)
        self.fields["site"] = forms.ModelChoiceField(
            mine, empty_label=None, initial=user.site, label=_("Site")
        )


class SiteForm(forms.ModelForm):
    operating_point = forms.ChoiceField(
        choices=[("", _("The model’s own")), *POINTS],
        required=False,
        label=_("Operating point"),
        help_text=_("Where this site calls pneumonia; the model’s card has the figures of each."),
    )

    class Meta:
        model = Site
        fields = [
            "name",
            "code",
            "prevalence",
            "operating_point",
            "time_zone",
            "reads_blind",
            "active",
        ]
        labels = {
            "name": _("Name"),
            "code": _("Code"),
            "prevalence": _("Prevalence"),
            "time_zone": _("Time zone"),
            "reads_blind": _("Blinded reading"),
            "active": _("Open"),
        }
        help_texts = {
            "reads_blind": _(
                "Whoever reviews sees a result only after saying what they see themselves."
            ),
            "code": _("Short, for addresses and programs: letters, digits, hyphens."),
            "prevalence": _(
                "Share of radiographs read here that show pneumonia, such as 0.15. "
                "Without it no predictive values are shown."
            ),
            "time_zone": _("Such as Africa/Nairobi."),
            "active": _("A closed site keeps its studies; nobody can open them."),
        }
