"""What searches over DICOMweb answer of the headers of what we hold."""

from django.db import models

from pneumoscope.web.studies.models import Image


class HeldHeader(models.Model):
    """`attributes`: `interop.dicom_json.search_attributes` of the file, which is read once."""

    image = models.OneToOneField(
        Image, primary_key=True, on_delete=models.CASCADE, related_name="held_header"
    )
    attributes = models.JSONField()

    def __str__(self) -> str:
        return str(self.pk)
