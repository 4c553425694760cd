"""What the tests of the way out share: results of DICOM images, destinations, a postman at work."""

import threading
from contextlib import contextmanager

from interop.dicoms import dicom_make, file_of
from interop.listening import closed_port
from pneumoscope.web.gateway.delivering import delivery_attempt, delivery_claim
from pneumoscope.web.gateway.models import Delivery, Destination
from pneumoscope.web.gateway.models.deliveries import Stage
from pneumoscope.web.gateway.outbox import analyses_tell
from pneumoscope.web.gateway.postman import Postman
from pneumoscope.web.studies.models import Image, Source
from pneumoscope.web.studies.services import study_receive
from web.pages import image_analysed, image_make, image_rejected, site_make, study_make


def dicom_image(site, number=1, **attributes) -> Image:
    """A received image that waits; no worker has seen it."""
    data = file_of(dicom_make(number, **attributes))
    receipt = study_receive(
        data=data, source_name=f"{number}.dcm", source=Source.DICOM, actor=None, site=site
    )
    return receipt.image


def dicom_result(site, number=1, probability: float | None = 0.91, **attributes):
    """The analysis of a DICOM image: positive, negative, or rejected for None."""
    image = dicom_image(site, number, **attributes)
    if probability is None:
        return image_rejected(image)
    return image_analysed(image, probability)


def destination_make(site, protocol="webhook", **fields) -> Destination:
    defaults = {"name": protocol, "secret": "s3cret", "url": "http://127.0.0.1:9/"}
    return Destination.objects.create(site=site, protocol=protocol, **defaults | fields)


def to_orthanc(site, orthanc, **fields) -> Destination:
    address = {"host": "127.0.0.1", "port": orthanc.dicom_port, "ae_title": orthanc.ae_title}
    return destination_make(site, "dicom", **{"name": "PACS", **address, **fields})


def deliver_all(destination) -> list:
    """Tell what is finished and try everything that is due once; returns the failures."""
    while analyses_tell():
        pass
    failures = []
    while delivery := delivery_claim(destination.pk):
        failures.append(delivery_attempt(delivery))
    return failures


@contextmanager
def postman():
    ended = threading.Event()
    thread = threading.Thread(target=Postman(ended).run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def stages(**fields) -> list[str]:
    return sorted(Delivery.objects.filter(**fields).values_list("stage", flat=True))


def is_all_delivered() -> bool:
    return bool(stages()) and set(stages()) == {Stage.DELIVERED}


def outgoing_row(name: str) -> list[int]:
    """The arguments of a page's address: the key of a row of its own."""
    noun = name.partition(":")[2].partition("_")[0]
    if noun not in {"destination", "delivery"}:
        return []
    site = site_make()
    known = Destination.objects.filter(site=site).first()
    destination = known or destination_make(site, url=f"http://127.0.0.1:{closed_port()}/")
    if noun == "destination":
        return [destination.pk]
    analysis = image_analysed(image_make(study_make()))
    delivery = Delivery.objects.create(
        destination=destination,
        analysis=analysis,
        site=site,
        kind="event",
        stage=Stage.DEAD,
        error_code="delivery_rejected",
    )
    return [delivery.pk]
