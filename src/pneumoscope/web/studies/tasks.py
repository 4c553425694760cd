"""The doorbell."""

import uuid

from celery import shared_task


@shared_task(name="studies.image_analyse")
def image_analyse(image_id: str) -> None:
    # Here and not above: the web process rings the bell and needs no onnxruntime for that.
    from pneumoscope.web.studies import analysing

    analysing.image_analyse(uuid.UUID(image_id))
