"""One delivery to its peer, and the question whether a peer is there.

Needs the `dicom` extra; imported where something is sent, so that pages do without it.
"""

import time
import uuid

from django.conf import settings
from pydicom.dataset import Dataset

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.interop.delivery import CredentialsRefused
from pneumoscope.interop.dicomweb_client import ping, stow
from pneumoscope.interop.encapsulated_pdf import make_encapsulated_pdf
from pneumoscope.interop.fhir import resources
from pneumoscope.interop.fhir_bundle import MEDIA_TYPE
from pneumoscope.interop.fhir_client import audit_push, push
from pneumoscope.interop.fhir_subject import merged_patients
from pneumoscope.interop.hl7v2_result import Parties, result_message
from pneumoscope.interop.http import HttpPeer, raise_for_status
from pneumoscope.interop.mllp import MllpPeer, deliver, reach
from pneumoscope.interop.oauth import ClientCredentials, access_token, token_forget
from pneumoscope.interop.objects import OBJECTS
from pneumoscope.interop.scu import DicomPeer, echo, store
from pneumoscope.interop.webhook import WebhookPeer, post
from pneumoscope.web.gateway.audit_feed import record_sent
from pneumoscope.web.gateway.events import event_told
from pneumoscope.web.gateway.models import Delivery, Destination
from pneumoscope.web.gateway.models.destinations import Kind, Protocol
from pneumoscope.web.gateway.secrets import SecretLost
from pneumoscope.web.gateway.telling import finding, reported_study
from pneumoscope.web.gateway.tls import client_context
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.reviews.report_pdf import report_pdf
from pneumoscope.web.studies.models import Analysis

# Of every wait for a peer. A delivery's lease must outlive the sum of those of one sending.
PATIENCE_SECONDS = 20.0
UTF_8 = "UNICODE UTF-8"
REPORT_TITLE = "Chest radiograph report"


def delivery_send(delivery: Delivery) -> None:
    """Make what is to be sent, and send it.

    Raises DeliveryError subclasses, or another PneumoscopeError where it cannot be made.
    """
    try:
        _send(delivery)
    except CredentialsRefused:
        # A token may be withdrawn before its time: once, a new one is asked for.
        credentials = client_credentials(delivery.destination)
        if credentials is None or not token_forget(credentials):
            raise
        _send(delivery)


def _send(delivery: Delivery) -> None:
    destination, analysis = delivery.destination, delivery.analysis
    match Protocol(destination.protocol):
        case Protocol.DICOM:
            store(dicom_peer(destination), [_object(delivery)])
        case Protocol.STOW:
            stow(http_peer(destination), [_object(delivery)])
        case Protocol.FHIR if delivery.event:
            audit_push(http_peer(destination), record_sent(delivery.event))
        case Protocol.FHIR:
            told = reported_study(analysis, patient_id_system=destination.patient_id_system)
            changed = told.patient_corrected or told.report is not None
            former = merged_patients(told)
            push(http_peer(destination), resources(told), renew=changed, former=former)
        case Protocol.HL7:
            deliver(mllp_peer(destination), _message(delivery))
        case Protocol.WEBHOOK:
            post(_receiver(destination), event_told(delivery), int(time.time()))


def destination_test(destination: Destination) -> None:
    """Ask the peer for a sign of life that changes nothing there; a webhook gets a test event.

    Raises DeliveryError subclasses.
    """
    match Protocol(destination.protocol):
        case Protocol.DICOM:
            echo(dicom_peer(destination))
        case Protocol.STOW:
            ping(http_peer(destination))
        case Protocol.FHIR:
            peer = http_peer(destination)
            answer = peer.exchange("GET", "metadata", headers={"Accept": MEDIA_TYPE})
            raise_for_status(answer, peer, answer.text)
        case Protocol.HL7:
            reach(mllp_peer(destination))
        case Protocol.WEBHOOK:
            told = {"event": "test", "id": str(uuid.uuid4()), "intended_use": RESEARCH_USE_ONLY}
            post(_receiver(destination), told, int(time.time()))


def dicom_peer(destination: Destination) -> DicomPeer:
    return DicomPeer(
        host=destination.host,
        port=destination.port or 0,
        ae_title=destination.ae_title,
        our_ae_title=settings.PNEUMOSCOPE_LISTEN_AE,
        tls=client_context() if destination.tls else None,
        seconds=PATIENCE_SECONDS,
    )


def mllp_peer(destination: Destination) -> MllpPeer:
    return MllpPeer(
        host=destination.host,
        port=destination.port or 0,
        tls=client_context() if destination.tls else None,
        answer_seconds=PATIENCE_SECONDS,
    )


def http_peer(destination: Destination) -> HttpPeer:
    """With the token or password that it wants.

    Raises a DeliveryError where no token is given out, SecretLost for a password.
    """
    username = destination.username
    token = _secret(destination) if username else _token(destination)
    return _http_peer(destination.url, token=token, username=username)


def client_credentials(destination: Destination) -> ClientCredentials | None:
    """None where a token was given us once and for all. Raises SecretLost."""
    if not destination.token_url:
        return None
    return ClientCredentials(
        peer=_http_peer(destination.token_url),
        client_id=destination.client_id,
        secret=_secret(destination),
        scope=destination.scope,
        signed=destination.signs,
    )


def _token(destination: Destination) -> str:
    """A webhook's secret signs and is never sent."""
    if destination.protocol == Protocol.WEBHOOK:
        return ""
    credentials = client_credentials(destination)
    return access_token(credentials) if credentials else destination.secret


def _http_peer(url: str, *, token: str = "", username: str = "") -> HttpPeer:
    return HttpPeer(
        base_url=url,
        token=token,
        username=username,
        ca_file=settings.PNEUMOSCOPE_CA_FILE,
        answer_seconds=PATIENCE_SECONDS,
    )


def _receiver(destination: Destination) -> WebhookPeer:
    return WebhookPeer(http_peer(destination), _secret(destination))


def _secret(destination: Destination) -> str:
    """Raises SecretLost: nothing is signed, or asked for, with an empty one."""
    if not destination.secret:
        raise SecretLost(f"The secret of {destination} cannot be read")
    return str(destination.secret)


def _object(delivery: Delivery) -> Dataset:
    if delivery.kind == Kind.PDF:
        pdf = _signed_pdf(delivery.analysis)
        return make_encapsulated_pdf(finding(delivery.analysis), pdf, title=REPORT_TITLE)
    return OBJECTS[delivery.kind](finding(delivery.analysis))


def _signed_pdf(analysis: Analysis) -> bytes:
    return report_pdf(Report.objects.get(analysis=analysis, signed__isnull=False), named=True)


def _message(delivery: Delivery) -> bytes:
    destination = delivery.destination
    parties = Parties(
        receiving_application=destination.receiving_application,
        receiving_facility=destination.receiving_facility,
        sending_facility=delivery.site.code,
    )
    told = reported_study(
        delivery.analysis, patient_id_system=destination.patient_id_system or delivery.site.code
    )
    pdf = _signed_pdf(delivery.analysis) if told.report else b""
    return result_message(told, parties, pdf=pdf, character_set=destination.character_set or UTF_8)
