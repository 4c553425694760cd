"""Rows of the ways in, for tests of their pages."""

from datetime import date
from typing import Any

from pneumoscope.web.gateway.models import Arrival, Peer, Pull, RoutingRule
from pneumoscope.web.gateway.models.arrivals import Way
from web.pages import site_make


def incoming_row(name: str) -> list[Any]:
    """The arguments of a page's address: the key of a row of its own."""
    noun = name.partition(":")[2].removesuffix("_delete")
    makers = {
        "arrival_retry": arrival_make,
        "peer": peer_make,
        "rule": rule_make,
        "pull": pull_make,
    }
    return [makers[noun]().pk] if noun in makers else []


def arrival_make(number: int = 1, **fields: Any) -> Arrival:
    values = {"site": site_make(), "way": Way.STORE, "sender": f"XRAY{number}", "file": "f"}
    return Arrival.objects.create(**values | fields)


def peer_make(ae_title: str = "ARCHIVE", **fields: Any) -> Peer:
    values = {"site": site_make(), "host": "127.0.0.1", "port": 104, **fields}
    return Peer.objects.get_or_create(ae_title=ae_title, defaults=values)[0]


def rule_make(name: str = "No laterals", **fields: Any) -> RoutingRule:
    values = {"site": site_make(), "analyse": False, "views": "LL", **fields}
    return RoutingRule.objects.get_or_create(name=name, defaults=values)[0]


def pull_make(name: str = "archive", **fields: Any) -> Pull:
    values = {"site": site_make(), "since": date(2026, 1, 1), **fields}
    if "url" not in values:
        values.setdefault("peer", peer_make())
    return Pull.objects.get_or_create(name=name, defaults=values)[0]
