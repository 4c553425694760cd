"""What is asked of an archive and fetched from it, whichever way it travels.

Asking again and again is harmless: what is held is not fetched, and the day up to which everything
was answered is a column, so that nothing is missed over a restart or a broken line.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop import dicomweb_client, scu
from pneumoscope.interop.association import DicomPeer
from pneumoscope.interop.delivery import PeerUnreachable, UnreadableAnswer
from pneumoscope.interop.http import HttpPeer
from pneumoscope.interop.query import FoundSeries, FoundStudy, StudyQuery, fits
from pneumoscope.interop.storing import Instance
from pneumoscope.interop.storing import Peer as Caller
from pneumoscope.web.gateway.held import is_known
from pneumoscope.web.gateway.models import Arrival, Peer, Pull
from pneumoscope.web.gateway.models.arrivals import Way
from pneumoscope.web.gateway.models.pulls import Method
from pneumoscope.web.gateway.models.rules import words
from pneumoscope.web.gateway.receiving import instance_stored
from pneumoscope.web.studies.headers import header_read

# Studies are filed late: every question reaches back over what was answered before.
OVERLAP = timedelta(days=2)


@dataclass(frozen=True)
class Archive:
    """The four questions to an archive, whichever way they travel."""

    studies: Callable[[StudyQuery], list[FoundStudy]]
    series: Callable[[str], list[FoundSeries]]
    instances: Callable[[FoundSeries], list[str]]
    fetch: Callable[[FoundSeries, list[str]], None]


def dicom_peer(peer: Peer) -> DicomPeer:
    return DicomPeer(
        peer.host,
        peer.port or 0,
        peer.ae_title,
        settings.PNEUMOSCOPE_LISTEN_AE,
        max_instance_bytes=settings.PNEUMOSCOPE_MAX_FILE_BYTES,
    )


def http_peer(pull: Pull, url: str = "") -> HttpPeer:
    """At the pull's own address, or at another, which does not get its token or password."""
    same = not url or urlsplit(url)[:2] == urlsplit(pull.url)[:2]
    return HttpPeer(
        url or pull.url,
        token=pull.token if same else "",
        username=pull.username if same else "",
        ca_file=settings.PNEUMOSCOPE_CA_FILE,
        max_bytes=settings.PNEUMOSCOPE_MAX_FILE_BYTES + 65536,
    )


def archive_of(pull: Pull) -> Archive:
    if pull.method == Method.WEB:
        return web_archive(pull, http_peer(pull))
    peer = dicom_peer(pull.peer)

    def keep(instance: Instance) -> None:
        _keep(pull, instance)
        close_old_connections()  # of the association's thread

    def fetch(series: FoundSeries, _: list[str]) -> None:
        if pull.method == Method.MOVE:
            scu.move_series(peer, series)
        else:
            scu.get_series(peer, series, keep)

    return Archive(
        studies=lambda query: scu.find_studies(peer, query),
        series=lambda study: scu.find_series(peer, study),
        instances=lambda series: scu.find_instances(peer, series),
        fetch=fetch,
    )


def web_archive(pull: Pull, peer: HttpPeer) -> Archive:
    most = settings.PNEUMOSCOPE_MAX_FILE_BYTES

    def fetch(series: FoundSeries, missing: list[str]) -> None:
        for sop_instance_uid in missing:
            data = dicomweb_client.retrieve_instance(peer, series, sop_instance_uid)
            header = header_read(data, max_bytes=most)
            if header.sop_instance_uid != sop_instance_uid:
                raise UnreadableAnswer(f"{peer.base_url} sent another instance than was asked for")
            caller = Caller(pull.name[:16], settings.PNEUMOSCOPE_LISTEN_AE, "")
            syntax = header.transfer_syntax_uid
            _keep(pull, Instance(data, header.sop_class_uid, sop_instance_uid, syntax, caller))

    return Archive(
        studies=lambda query: dicomweb_client.search_studies(peer, query),
        series=lambda study: dicomweb_client.search_series(peer, study),
        instances=lambda series: dicomweb_client.search_instances(peer, series),
        fetch=fetch,
    )


def _keep(pull: Pull, instance: Instance) -> None:
    """Raises StoreRefused."""
    with instance_stored(instance) as file:
        Arrival.objects.create(
            site=pull.site,
            way=Way.PULL,
            peer=pull.peer,
            sender=pull.name[:64],
            file=file,
            sop_class_uid=instance.sop_class_uid,
            sop_instance_uid=instance.sop_instance_uid,
        )


def pull_run(pull: Pull, archive: Archive) -> int:
    """Ask once and fetch what is missing; returns how many instances.

    A study that cannot be fetched does not hold up the others. Raises the first failure, and then
    the cursor stays: it moves only after everything was fetched.
    """
    today = timezone.now().date()
    since = max(pull.since, (pull.asked_until or pull.since) - OVERLAP)
    wanted = StudyQuery(
        since=since, modalities=words(pull.modalities), body_parts=words(pull.body_parts)
    )
    fetched, failures = 0, []
    for study in archive.studies(wanted):
        try:
            fetched += _study_fetch(pull, archive, study, wanted)
        except PeerUnreachable:
            raise
        except PneumoscopeError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    Pull.objects.filter(pk=pull.pk).update(asked_until=today)
    return fetched


def _study_fetch(pull: Pull, archive: Archive, study: FoundStudy, wanted: StudyQuery) -> int:
    """With priors, where something of it was new."""
    new = _fetch_missing(pull, archive, study, wanted)
    if new and pull.priors and study.patient_id:
        for prior in _priors(archive, study, pull.priors):
            new += _fetch_missing(pull, archive, prior, wanted)
    return new


def _fetch_missing(pull: Pull, archive: Archive, study: FoundStudy, wanted: StudyQuery) -> int:
    count = 0
    for series in archive.series(study.study_instance_uid):
        if not fits(series, wanted):
            continue
        known = (uid for uid in archive.instances(series) if uid)
        missing = [uid for uid in known if not is_known(pull.site, uid)]
        if missing:
            archive.fetch(series, missing)
            count += len(missing)
    return count


def _priors(archive: Archive, study: FoundStudy, most: int) -> list[FoundStudy]:
    """The patient's latest studies before this one, newest first."""
    try:
        until = date.fromisoformat(study.study_date)
    except ValueError:
        return []
    earlier = archive.studies(StudyQuery(until=until, patient_id=study.patient_id))
    others = [each for each in earlier if each.study_instance_uid != study.study_instance_uid]
    # Some archives match patients by the beginning of their ID.
    same = [each for each in others if each.patient_id == study.patient_id]
    return sorted(same, key=lambda each: each.study_date, reverse=True)[:most]
