"""The one way to write an event; call it in the transaction of what it tells of."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.db.models import Model
from django.http import HttpRequest

from pneumoscope.web.accounts.address import client_address
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.audit.models import Event


def event_record(
    *,
    action: str,
    actor: User | None,
    target: Model | None = None,
    site: Site | None = None,
    detail: dict[str, Any] | None = None,
    request: HttpRequest | None = None,
) -> Event:
    """Write one event. `action` is "noun.verb"; `actor` None means the system itself.

    The site is the target's where it has one, else `site`, else where the actor works. `detail`
    holds keys and codes, never patient data; which token a program came with is added to it.
    """
    subject = getattr(target, "audit_subject", None)
    study, patient = subject() if subject else (None, "")
    token = getattr(request, "auth", None)
    return Event.objects.create(
        action=action,
        actor=actor,
        # Django's documented, if underscored, API.
        object_type=target._meta.label_lower if target else "",  # noqa: SLF001
        object_id=str(target.pk) if target else "",
        site_id=_site_id(site, target, actor),
        study=study,
        patient=patient,
        detail={**(detail or {}), **({"token": token.token_key} if token else {})},
        address=client_address(request) if request else None,
    )


def list_record(
    *, rows: Iterable[Any], request: HttpRequest, action: str = "study.list", **detail: Any
) -> None:
    """One event at each site of which rows were listed, so that each site's trail has its own."""
    for site_id, count in Counter(row.site_id for row in rows).items():
        event_record(
            action=action,
            actor=request.user,
            site=request.user.seats[site_id].site,
            detail={**detail, "count": count},
            request=request,
        )


def _site_id(site: Site | None, target: Model | None, actor: User | None) -> int | None:
    if site is None and actor is not None:
        site = actor.site
    of_target: int | None = getattr(target, "site_id", None)
    return of_target or (site.pk if site else None)
