"""Work pulled from a hospital's worklist, as IHE AIW-I has it: claim, fetch, analyse, complete.

Every ask takes each open item as far as it goes: its images are analysed and its results sent to
the site's archives as any others are, and it is completed with where those lie.
"""

import logging
import re
from datetime import timedelta

from django.utils import timezone
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop import ups
from pneumoscope.interop.delivery import DeliveryRejected
from pneumoscope.interop.http import HttpPeer
from pneumoscope.interop.query import FoundSeries, text
from pneumoscope.interop.ups_workitem import Performed, Workitem
from pneumoscope.web.gateway.fetching import Archive, http_peer, web_archive
from pneumoscope.web.gateway.held import is_known
from pneumoscope.web.gateway.models import Destination, Pull, WorkItem
from pneumoscope.web.gateway.models.destinations import OBJECT_PROTOCOLS
from pneumoscope.web.gateway.models.workitems import OPEN, ItemState
from pneumoscope.web.gateway.performed import NotDone, performed

logger = logging.getLogger(__name__)

_LONGEST = timedelta(days=1)
_UID = re.compile(r"[0-9.]{1,64}")


class NoArchive(PneumoscopeError):
    """Work that could not be completed is not taken."""

    code = "no_archive"
    remedy = "Add an enabled DICOM or DICOMweb destination that gets all results of this site."


def workitems_ask(pull: Pull) -> int:
    """Advance what is open and take what is scheduled; returns how many items were taken.

    One item's trouble does not hold up the others. Raises NoArchive, or the first failure.
    """
    peer = http_peer(pull)
    failures: list[PneumoscopeError] = []
    for item in pull.work_items.filter(state__in=OPEN).order_by("pk"):
        _advance(item, peer, failures)
    archives = Destination.objects.filter(site=pull.site, enabled=True)
    if not archives.filter(protocol__in=OBJECT_PROTOCOLS).exists():
        raise NoArchive("Work items are completed with where their results lie, which is nowhere.")
    taken = 0
    for found in _scheduled(pull, peer):
        item = _kept(pull, found)
        if item is not None:
            taken += _advance(item, peer, failures)
    if failures:
        raise failures[0]
    return taken


def _scheduled(pull: Pull, peer: HttpPeer) -> list[Workitem]:
    """All pages before the first claim, which would shift them."""
    found: list[Workitem] = []
    asked = {"station": pull.station, "procedure": pull.procedure}
    while page := ups.find(peer, offset=len(found), **asked):
        found += page
        if len(page) < ups.PAGE:
            break
    return found


def _kept(pull: Pull, found: Workitem) -> WorkItem | None:
    """The row that holds the key, before the key is used. None: it is known, and not open to us."""
    urls = [url.partition("/studies/")[0] for url in found.retrieve_urls if "/studies/" in url]
    item, made = WorkItem.objects.get_or_create(
        pull=pull,
        uid=found.uid,
        defaults={
            "transaction_uid": generate_uid(prefix=None),
            "procedure": _code(found.dataset),
            "inputs": [each for each in found.inputs if _UID.fullmatch(each[0])],
            "root": (urls or [pull.url])[0][:500],
        },
    )
    return item if made else None


def _code(dataset: Dataset) -> list[str]:
    code = (dataset.get("ScheduledWorkitemCodeSequence") or [Dataset()])[0]
    named = [text(code, each) for each in ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")]
    return named if all(named) else ["CXR-AI", "99PNEUMOSCOPE", "Analysis of chest radiographs"]


def _advance(item: WorkItem, peer: HttpPeer, failures: list[PneumoscopeError]) -> bool:
    """As far as it goes now. False: another was quicker, or something failed for the moment."""
    try:
        if item.state == ItemState.CLAIMING and not _claim(item, peer):
            return False
        try:
            if item.instances is None:
                item.instances = _fetch(item)
                item.save(update_fields=["instances"])
            done = performed(item)
        except (NotDone, DeliveryRejected) as error:
            _finish(item, peer, ItemState.CANCELED, str(error))
        else:
            if done is not None:
                _finish(item, peer, ItemState.COMPLETED, done)
            elif timezone.now() - item.claimed > _LONGEST:
                _finish(item, peer, ItemState.CANCELED, "Not finished within a day.")
    except PneumoscopeError as error:
        logger.warning("work item %d: %s", item.pk, error)
        failures.append(error)
        return False
    return True


def _claim(item: WorkItem, peer: HttpPeer) -> bool:
    try:
        ups.claim(peer, item.uid, item.transaction_uid)
    except ups.WorkitemUnavailable:
        item.delete()  # should it be scheduled again, it is a new one
        return False
    item.state = ItemState.CLAIMED
    item.save(update_fields=["state"])
    return True


def _finish(item: WorkItem, peer: HttpPeer, state: ItemState, said: Performed | str) -> None:
    try:
        if isinstance(said, str):
            ups.cancel(peer, item.uid, item.transaction_uid, said)
            item.reason = said
        else:
            ups.complete(peer, item.uid, item.transaction_uid, said)
    except ups.WorkitemUnavailable as error:
        state, item.reason = ItemState.LOST, str(error)
    item.state, item.finished = state, timezone.now()
    item.save(update_fields=["state", "finished", "reason"])


def _fetch(item: WorkItem) -> list[str]:
    """Fetch what is not here yet; the SOP Instance UIDs of all inputs."""
    archive = web_archive(item.pull, http_peer(item.pull, item.root))
    found: list[str] = []
    for study, series, instance in item.inputs:
        named = [FoundSeries(study, series, "", "")] if _UID.fullmatch(series) else None
        for each in named or archive.series(study):
            uids = [instance] if _UID.fullmatch(instance) else archive.instances(each)
            _fetch_new(item, archive, each, uids)
            found += uids
    if not found:
        raise NotDone("The work item names no image that could be found.")
    return found


def _fetch_new(item: WorkItem, archive: Archive, series: FoundSeries, uids: list[str]) -> None:
    missing = [uid for uid in uids if not is_known(item.pull.site, uid)]
    if missing:
        archive.fetch(series, missing)
