"""A reader's own filters of the worklist, kept under a name."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.studies.filters import Filters

MOST = 30


@require_POST
@require_right("study.view")
def saved_view(request: HttpRequest) -> HttpResponse:
    """Keep `query` under `name`, over what stood there; or let the view `forget` go."""
    own = request.user.saved_views
    if request.POST.get("forget", "").isdecimal():
        own.filter(pk=request.POST["forget"]).delete()
        return redirect("studies:worklist")
    word = request.POST.get("name", "").replace("\x00", "").strip()[:40]
    filters = Filters(request.user, QueryDict(request.POST.get("query", "")).dict())
    if not word:
        messages.error(request, _("The view has no name. Write one and save it again."))
    elif own.count() >= MOST and not own.filter(name=word).exists():
        messages.error(
            request, _("%d views are kept. Remove one, then save this one again.") % MOST
        )
    else:
        own.update_or_create(name=word, defaults={"query": filters.query})
    return redirect(f"{reverse('studies:worklist')}?{filters.query}")
