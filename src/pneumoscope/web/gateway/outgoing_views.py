"""Pages of the ways out: destinations with their state, deliveries, the dead-letter list."""

import json
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.signed_assertion import jwk_set, key_algorithm
from pneumoscope.web.accounts.access import require_right
from pneumoscope.web.audit.keyset import page_of
from pneumoscope.web.audit.services import event_record
from pneumoscope.web.gateway.incoming_views import PAGE_SIZE
from pneumoscope.web.gateway.models import Delivery, Destination
from pneumoscope.web.gateway.models.deliveries import Stage
from pneumoscope.web.gateway.outgoing import (
    deliveries_resend,
    destination_save,
    healths,
    untold,
    untold_retry,
)
from pneumoscope.web.gateway.outgoing_forms import DeliveryFilter, DestinationForm
from pneumoscope.web.studies.blinding import blind_sites, hidden_condition


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("site.manage")
def destinations(request: HttpRequest) -> HttpResponse:
    """Each destination with its light; POST adds one."""
    form = DestinationForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        destination_save(acting_user=request.user, destination=form.instance)
        return redirect("outgoing:destinations")
    context = {
        "healths": healths(request.user),
        "form": form,
        "untold": untold(request.user).count(),
    }
    return render(request, "gateway/destinations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@require_right("site.manage")
def destination(request: HttpRequest, key: int) -> HttpResponse:
    found = _managed(request, key)
    form = DestinationForm(request.user, request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        destination_save(acting_user=request.user, destination=form.instance)
        return redirect("outgoing:destinations")
    keys = json.dumps(jwk_set(found.secret), indent=2) if key_algorithm(found.secret) else ""
    context = {"destination": found, "form": form, "keys": keys}
    return render(request, "gateway/destination.html", context)


@require_POST
@require_right("site.manage")
def destination_test(request: HttpRequest, key: int) -> HttpResponse:
    """Ask whether the peer is there, with what is saved."""
    found = _managed(request, key)
    code = ""
    try:
        # Here and not above: only what speaks to peers needs the dicom extra.
        from pneumoscope.web.gateway import sending

        sending.destination_test(found)
        messages.success(request, _("%(destination)s answers.") % {"destination": found})
    except PneumoscopeError as error:
        code = error.code
        messages.error(request, f"{error}. {error.remedy}")
    except ImportError as error:
        code = "missing_extra"
        said = _("%(package)s is missing. Install it with %(command)s.")
        command = "pip install 'pneumoscope[dicom]'"
        messages.error(request, said % {"package": error.name, "command": command})
    event_record(
        action="destination.test",
        actor=request.user,
        target=found,
        detail={"code": code},
        request=request,
    )
    return redirect("outgoing:destination", key)


@require_POST
@require_right("site.manage")
def results_retry(request: HttpRequest) -> HttpResponse:
    """Prepare once more what could not be prepared for sending."""
    done, failed = untold_retry(acting_user=request.user)
    if done:
        messages.success(request, _("Prepared for sending: %(count)s.") % {"count": done})
    if failed:
        messages.error(
            request,
            _("Failed again: %(count)s. The log says why.") % {"count": failed},
        )
    return redirect("outgoing:destinations")


@require_safe
@require_right("site.manage")
def deliveries(request: HttpRequest) -> HttpResponse:
    """What was sent and what waits, newest first; with stage=DEAD, the dead-letter list.

    Which objects a result has tells what it is: those of a hidden one are left out.
    """
    search = DeliveryFilter(request.user, request.GET)
    hidden = Q(analysis__probability__isnull=False)
    hidden &= hidden_condition(request.user, "analysis__image")
    found = _deliveries(request).filter(**search.chosen()).exclude(hidden)
    shown = found.select_related("destination", "analysis__image")
    page, older = page_of(shown, ("id",), request.GET.get("after", ""), PAGE_SIZE)
    context = {
        "deliveries": page,
        "older": older,
        "search": search,
        "blind": bool(blind_sites(request.user)),
        "dead": _deliveries(request).filter(**search.chosen() | {"stage": Stage.DEAD}).count(),
    }
    return render(request, "gateway/deliveries.html", context)


@require_POST
@require_right("site.manage")
def delivery_resend(request: HttpRequest, key: int) -> HttpResponse:
    found = get_object_or_404(_deliveries(request), pk=key)
    return _resend(request, Delivery.objects.filter(pk=found.pk))


@require_POST
@require_right("site.manage")
def dead_resend(request: HttpRequest) -> HttpResponse:
    """All that was given up, or that of one destination."""
    chosen = DeliveryFilter(request.user, request.POST).chosen()
    return _resend(request, _deliveries(request).filter(**chosen | {"stage": Stage.DEAD}))


def _resend(request: HttpRequest, chosen: QuerySet[Delivery]) -> HttpResponse:
    resent = deliveries_resend(acting_user=request.user, deliveries=chosen)
    messages.success(request, _("Sent again: %(count)s.") % {"count": resent})
    return redirect(f"{reverse('outgoing:deliveries')}?stage={Stage.PENDING}")


def _managed(request: HttpRequest, key: int) -> Destination:
    mine = Destination.objects.visible_to(request.user, "site.manage").select_related("site")
    found: Destination = get_object_or_404(mine, pk=key)
    return found


def _deliveries(request: HttpRequest) -> Any:
    return Delivery.objects.visible_to(request.user, "site.manage")
