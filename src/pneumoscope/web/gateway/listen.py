"""The listener: `interop.scp` with the site's tables behind it."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import close_old_connections

from pneumoscope.interop.scp import Listening, Services, provider
from pneumoscope.interop.storage_commitment import Holds
from pneumoscope.interop.storing import Instance
from pneumoscope.interop.storing import Peer as Caller
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.held import is_held
from pneumoscope.web.gateway.intake import take_in_forever
from pneumoscope.web.gateway.models import Arrival, Peer
from pneumoscope.web.gateway.models.arrivals import Way
from pneumoscope.web.gateway.pulling import pull_forever
from pneumoscope.web.gateway.receiving import Committer, instance_stored
from pneumoscope.web.gateway.tls import server_context

logger = logging.getLogger(__name__)

_ORIGIN_SECONDS = 5.0
_MOST_ORIGINS = 1000


@contextmanager
def listener(host: str, port: int, ae_title: str) -> Iterator[int]:
    """Receive while the context lasts; gives the port. Raises OSError or TlsFilesUnusable."""
    ended = threading.Event()
    with Committer() as committer:
        intake = threading.Thread(target=take_in_forever, args=[committer, ended], name="intake")
        pulls = threading.Thread(target=pull_forever, args=[ended], name="pulls", daemon=True)
        intake.start()
        pulls.start()
        try:
            with provider(_listening(host, port, ae_title), _services(committer)) as actual:
                yield actual
        finally:
            ended.set()
            committer.committed.set()
            intake.join()


def peer_of(caller: Caller) -> Peer | None:
    """The row of who calls, by AE title and address."""
    titled = Peer.objects.select_related("site").filter(ae_title=caller.calling_ae_title)
    return next((peer for peer in titled if peer.comes_from(caller.address)), None)


class Origins:
    """Whose site an instance belongs to, asked of the database every few seconds only."""

    def __init__(self) -> None:
        self._known: dict[Caller, tuple[float, Peer | None, Site]] = {}

    def of(self, caller: Caller) -> tuple[Peer | None, Site]:
        """What strangers send, where all may send, goes to the first site."""
        until, peer, site = self._known.get(caller, (0.0, None, None))
        if site is None or time.monotonic() > until:
            with _fresh_connection():
                peer = peer_of(caller)
                site = peer.site if peer else Site.objects.order_by("pk").earliest("pk")
            if len(self._known) >= _MOST_ORIGINS:
                self._known.clear()  # strangers may call from ever new addresses, by ever new names
            self._known[caller] = (time.monotonic() + _ORIGIN_SECONDS, peer, site)
        return peer, site


def _listening(host: str, port: int, ae_title: str) -> Listening:
    return Listening(
        ae_title=ae_title,
        host=host,
        port=port,
        any_called_ae_title=settings.PNEUMOSCOPE_LISTEN_ANY_CALLED_AE,
        tls=server_context(),
        max_associations=settings.PNEUMOSCOPE_LISTEN_ASSOCIATIONS,
        max_instance_bytes=settings.PNEUMOSCOPE_MAX_FILE_BYTES,
        idle_seconds=settings.PNEUMOSCOPE_LISTEN_IDLE_SECONDS,
    )


def may_send(caller: Caller) -> bool:
    peer = peer_of(caller)
    return peer.may_send if peer else settings.PNEUMOSCOPE_LISTEN_PROMISCUOUS


def _services(committer: Committer) -> Services:
    origins = Origins()

    def admits(caller: Caller) -> bool:
        with _fresh_connection():
            return may_send(caller)

    def keep(instance: Instance) -> None:
        peer, site = origins.of(instance.peer)
        with instance_stored(instance) as file:
            arrival = Arrival(
                site=site,
                way=Way.STORE,
                peer=peer,
                sender=instance.peer.calling_ae_title,
                address=instance.peer.address,
                file=file,
                sop_class_uid=instance.sop_class_uid,
                sop_instance_uid=instance.sop_instance_uid,
            )
            committer.arrival_commit(arrival)

    def holds(caller: Caller) -> Holds:
        _, site = origins.of(caller)

        def held(sop_class_uid: str, sop_instance_uid: str) -> bool:
            with _fresh_connection():
                return is_held(site, sop_class_uid, sop_instance_uid)

        return held

    def report_to(caller: Caller) -> tuple[str, int] | None:
        peer, _ = origins.of(caller)
        return (peer.host, peer.port) if peer and peer.host and peer.port else None

    return Services(admits, keep, holds, report_to)


@contextmanager
def _fresh_connection() -> Iterator[None]:
    """Association threads come and go: none leaves a database connection behind."""
    try:
        yield
    finally:
        close_old_connections()
