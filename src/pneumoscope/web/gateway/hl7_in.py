"""Orders, patient updates and merges from the hospital's systems, by HL7 v2 over MLLP.

A message is taken in one transaction with the note that it was taken: sent again, because our
answer was lost, it is acknowledged and changes nothing, even if newer ones have come meanwhile.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from ipaddress import ip_network
from threading import Thread

from django.conf import settings
from django.db import connection, transaction

from pneumoscope.interop.hl7v2 import Message, parse
from pneumoscope.interop.hl7v2_ack import acknowledge, read_acknowledgement, respond
from pneumoscope.interop.hl7v2_inbound import Told
from pneumoscope.interop.hl7v2_text import Hl7Error
from pneumoscope.interop.mllp import MllpServer
from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models import Hl7Message
from pneumoscope.web.gateway.tls import hl7_context
from pneumoscope.web.gateway.told import told_accept
from pneumoscope.web.studies.headers import text_fitted


@contextmanager
def hl7_listener(host: str, port: int) -> Iterator[int]:
    """Receive while the context lasts; gives the port. Raises OSError or TlsFilesUnusable."""
    allowed = [ip_network(each) for each in settings.PNEUMOSCOPE_HL7_ALLOWED]

    def answer(data: bytes) -> bytes:
        try:
            return message_answer(data)
        finally:
            connection.close()  # of the sender's thread, which ends without telling us

    server = MllpServer((host, port), answer, tls=hl7_context(), allowed=allowed)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="hl7")
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def message_answer(data: bytes) -> bytes:
    """The acknowledgement, once what the message tells is committed; nothing is raised."""
    try:
        message = parse(data, settings.PNEUMOSCOPE_HL7_CHARACTER_SET)
    except Hl7Error:
        message = None
    with transaction.atomic():
        return _taken(message, data) if message else _answered(data, lambda _: None)


def _taken(message: Message, data: bytes) -> bytes:
    """Call it inside a transaction, which is rolled back where the answer is not AA."""
    site = site_of(message)
    header = message.header
    named = {
        "site": site,
        "sender": text_fitted(f"{header.text(3)}|{header.text(4)}", 255),
        "control_id": text_fitted(message.control_id, 199),
    }
    if message.control_id and Hl7Message.objects.filter(**named).exists():
        return acknowledge(message)
    answer = _answered(data, partial(told_accept, site))
    if read_acknowledgement(answer).verdict != "AA":
        transaction.set_rollback(True)
    elif message.control_id:
        Hl7Message.objects.create(kind=text_fitted(message.kind, 20), **named)
    return answer


def _answered(data: bytes, accept: Callable[[Told], None]) -> bytes:
    default = settings.PNEUMOSCOPE_HL7_CHARACTER_SET
    return respond(data, accept, default_character_set=default)


def site_of(message: Message) -> Site:
    """By the receiving facility (MSH-6), where it is a site's code; else as set; else the first.

    Raises Site.DoesNotExist where there is none.
    """
    sites = Site.objects.filter(active=True).order_by("pk")
    for code in (message.header.text(6), settings.PNEUMOSCOPE_HL7_SITE):
        if code and (found := sites.filter(code__iexact=code).first()):
            return found
    return sites.earliest("pk")
