"""How a work item was done: which of its images were analysed, and where the results lie."""

from django.utils import timezone

from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.objects import uids_of
from pneumoscope.interop.ups_workitem import Output, Performed
from pneumoscope.web.gateway.models import Arrival, Delivery, Destination, WorkItem
from pneumoscope.web.gateway.models.arrivals import Outcome
from pneumoscope.web.gateway.models.deliveries import WAITING, Stage
from pneumoscope.web.gateway.models.destinations import OBJECT_KINDS, Protocol
from pneumoscope.web.gateway.telling import result_id
from pneumoscope.web.studies.models import Analysis, Image
from pneumoscope.web.studies.states import PENDING


class NotDone(PneumoscopeError):
    """A work item that cannot be completed; the hospital is told why."""

    code = "work_not_done"
    remedy = "Nothing to do here: the work item is given up with this reason."


def performed(item: WorkItem) -> Performed | None:
    """None while something of it is on its way. Raises NotDone."""
    named = {"site": item.pull.site, "sop_instance_uid__in": item.instances}
    images = list(Image.objects.filter(**named).prefetch_related("analyses"))
    missing = set(item.instances) - {image.sop_instance_uid for image in images}
    lost = Arrival.objects.filter(outcome=Outcome.FAILED, **named).filter(
        sop_instance_uid__in=missing
    )
    if refused := lost.first():
        raise NotDone(refused.reason)
    if missing or any(image.state in PENDING for image in images):
        return None
    analyses = [image.analysis for image in images if image.analysis]
    if not analyses:
        raise NotDone(" ".join(dict.fromkeys(image.failure_reason for image in images)))
    stored = _stored(analyses)
    if stored is None:
        return None
    return Performed(
        station=(item.pull.station or "PNEUMOSCOPE", "99PNEUMOSCOPE", "Pneumoscope"),
        procedure=tuple(item.procedure),
        started=item.claimed,
        ended=timezone.now(),
        outputs=stored,
    )


def _stored(analyses: list[Analysis]) -> tuple[Output, ...] | None:
    """What lies in the first archive that has something. None: something is still on its way."""
    if any(getattr(analysis, "told", None) is None for analysis in analyses):
        return None
    objects = Delivery.objects.filter(analysis__in=analyses, kind__in=OBJECT_KINDS)
    if objects.filter(stage__in=WAITING, destination__enabled=True).exists():
        return None
    sent = list(
        objects.filter(stage=Stage.DELIVERED)
        .select_related("destination", "analysis__image__study__site", "analysis__model_version")
        .order_by("destination", "pk")
    )
    if not sent:
        raise NotDone("The images were analysed, but no archive has taken the results.")
    return tuple(_output(each) for each in sent if each.destination == sent[0].destination)


def _output(delivery: Delivery) -> Output:
    study = delivery.analysis.image.study.study_instance_uid or ""
    series, sop_class, instance = uids_of(delivery.kind, result_id(delivery.analysis))
    return Output(
        study_instance_uid=study,
        series_instance_uid=series,
        sop_class_uid=sop_class,
        sop_instance_uid=instance,
        **_where(delivery.destination, study),
    )


def _where(destination: Destination, study_instance_uid: str) -> dict[str, str]:
    if destination.protocol == Protocol.DICOM:
        return {"retrieve_ae_title": destination.ae_title}
    return {"retrieve_url": f"{destination.url.rstrip('/')}/studies/{study_instance_uid}"}
