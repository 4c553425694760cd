"""Sites, for their administrators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.people.forms import SiteForm
from pneumoscope.web.people.services import site_save


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("site.manage")
def sites(request: HttpRequest) -> HttpResponse:
    """The sites one administers, closed ones too; POST makes another and its administrator one."""
    form = SiteForm(request.POST or None, initial={"active": True})
    if request.method == "POST" and form.is_valid():
        site_save(acting_user=request.user, site=form.instance)
        return redirect("people:sites")
    context = {"sites": _administered(request.user), "form": form}
    return render(request, "people/sites.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("site.manage")
def site(request: HttpRequest, code: str) -> HttpResponse:
    found = get_object_or_404(_administered(request.user), code=code)
    form = SiteForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        site_save(acting_user=request.user, site=form.instance)
        return redirect("people:sites")
    return render(request, "people/site.html", {"site": found, "form": form})


def _administered(user: User):  # type: ignore[no-untyped-def]
    """By role and not by seat: who closed a site must be able to open it again."""
    return Site.objects.filter(memberships__user=user, memberships__role="administrator")
