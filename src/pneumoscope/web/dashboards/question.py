"""What was asked for in the address: a period, and one of the person's own sites or all."""

from datetime import date
from urllib.parse import urlencode

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.dashboards.periods import TOGETHER, WIDTHS, Bins
from pneumoscope.web.studies.blinding import blind_sites

USUAL = 30


class Question(forms.Form):
    """What is empty or not understood, and any other's site, is as if it had not been asked."""

    days = forms.TypedChoiceField(coerce=int, choices=[(days, days) for days in WIDTHS])
    site = forms.ChoiceField(label=_("Site"))

    def __init__(self, user: User, data: dict[str, str]) -> None:
        super().__init__(data)
        self.sites: list[Site] = [user.seats[key].site for key in user.sites_with("dashboard.view")]
        self.fields["site"].choices = [(site.code, site.name) for site in self.sites]
        self.is_valid()
        # Not `days` and `site`: a template would find the form's fields under these.
        self.period: int = self.cleaned_data.get("days", USUAL)
        self.site_code: str = self.cleaned_data.get("site", "")
        self.chosen = [
            site for site in self.sites if not self.site_code or site.code == self.site_code
        ]
        self.blind = frozenset(blind_sites(user))
        self.bins = Bins.up_to(timezone.localdate(), days=self.period, width=WIDTHS[self.period])

    @property
    def site_keys(self) -> list[int]:
        return [site.pk for site in self.chosen]

    @property
    def blind_names(self) -> list[str]:
        """Of the chosen sites at which this person reads blind."""
        return [site.name for site in self.chosen if site.pk in self.blind]

    @property
    def tells_results(self) -> bool:
        """Whether any of the chosen sites' results may be told."""
        return len(self.blind_names) < len(self.chosen)

    @property
    def wide_bins(self) -> Bins:
        return self.bins.together(TOGETHER[self.period])

    @property
    def periods(self) -> list[tuple[int, str]]:
        return [(days, self.address(days)) for days in WIDTHS]

    @property
    def longer(self) -> str:
        """This page of the next longer period; empty for the longest."""
        return next((self.address(days) for days in WIDTHS if days > self.period), "")

    def address(self, days: int) -> str:
        """This page, of another period."""
        asked = {"days": days} | ({"site": self.site_code} if self.site_code else {})
        return f"?{urlencode(asked)}"

    def worklist(self, first: date | None = None, last: date | None = None, **filters: str) -> str:
        """The worklist with the studies behind a figure: of the period, or of these days.

        Empty where it would be filtered by results, and the person reads blind anywhere.
        """
        if self.blind and {"result", "disagreement"} & filters.keys():
            return ""
        days = {"since": first or self.bins.starts[0], "until": last or self.bins.last}
        return self.worklist_at_any_time(**{k: v.isoformat() for k, v in days.items()}, **filters)

    def worklist_at_any_time(self, **filters: str) -> str:
        here = {"site": self.chosen[0].code} if len(self.chosen) == 1 else {}
        return f"{reverse('studies:worklist')}?{urlencode(here | filters)}"
