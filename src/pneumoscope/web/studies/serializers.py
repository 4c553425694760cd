"""The shapes of the API's answers. `Record…` describes `core.record` field by field."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers as s

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.web.studies.describing import FIELDS
from pneumoscope.web.studies.models import Description, Image, Study
from pneumoscope.web.studies.models.descriptions import Symptom
from pneumoscope.web.studies.population import warnings_of
from pneumoscope.web.studies.services import Refusal
from pneumoscope.web.studies.states import State


class RecordAetiologySerializer(s.Serializer[Any]):
    bacterial = s.FloatField()
    viral = s.FloatField()


class RecordRegionSerializer(s.Serializer[Any]):
    """Coordinates are pixels of the radiograph as displayed, x to the right, y down."""

    zone = s.CharField()
    score = s.FloatField()
    box = s.ListField(child=s.FloatField(), help_text="x, y, width, height")
    peak = s.ListField(child=s.FloatField(), help_text="x, y")
    contour = s.ListField(child=s.ListField(child=s.FloatField()), help_text="[x, y], …")


class RecordReasonSerializer(s.Serializer[Any]):
    code = s.CharField()
    message = s.CharField()


class RecordQualitySerializer(s.Serializer[Any]):
    verdict = s.ChoiceField(["pass", "warn", "reject"])
    reasons = RecordReasonSerializer(many=True)


class RecordModelSerializer(s.Serializer[Any]):
    name = s.CharField()
    version = s.CharField()
    hash = s.CharField(help_text="SHA-256 of the model's card, which names all its files")


class RecordMillisecondsSerializer(s.Serializer[Any]):
    decode = s.FloatField()
    infer = s.FloatField()
    explain = s.FloatField()
    total = s.FloatField()


class RecordSerializer(s.Serializer[Any]):
    """The result of one image, as `pneumoscope predict --format jsonl` writes it."""

    path = s.CharField()
    status = s.ChoiceField(["analysed", "rejected", "failed"])
    code = s.CharField(allow_null=True)
    reason = s.CharField(allow_null=True)
    remedy = s.CharField(allow_null=True)
    probability = s.FloatField(allow_null=True, help_text="calibrated P(pneumonia), 0..1")
    positive = s.BooleanField(allow_null=True)
    threshold = s.FloatField(allow_null=True)
    operating_point = s.CharField(allow_null=True, help_text="whose threshold decided")
    uncertain = s.BooleanField(
        allow_null=True, help_text="the probability lies in `band`: a second reader is advised"
    )
    band = s.ListField(
        child=s.FloatField(), allow_null=True, help_text="lowest and highest uncertain probability"
    )
    aetiology = RecordAetiologySerializer(allow_null=True)
    regions = RecordRegionSerializer(many=True)
    quality = RecordQualitySerializer(allow_null=True)
    model = RecordModelSerializer()
    milliseconds = RecordMillisecondsSerializer(allow_null=True)


class ImageSerializer(s.ModelSerializer[Image]):
    source_name = s.SerializerMethodField(
        help_text="Empty without the right to see patients: file names may hold names."
    )
    record = s.SerializerMethodField()
    population_warnings = s.SerializerMethodField(
        help_text="By what is known now: typed since the analysis, or said by the file."
    )
    duplicate = s.SerializerMethodField(help_text="Whether the site had these bytes already.")

    class Meta:
        model = Image
        fields = [
            "id",
            "source_name",
            "sha256",
            "bytes",
            "created",
            "state",
            "duplicate",
            "rows",
            "columns",
            "sop_instance_uid",
            "view_position",
            "modality",
            "record",
            "population_warnings",
        ]

    @extend_schema_field(RecordReasonSerializer(many=True))
    def get_population_warnings(self, image: Image) -> list[dict[str, Any]]:
        return warnings_of(image.analysis) if image.analysis else []

    def _names_shown(self, image: Image) -> bool:
        return bool(self.context["request"].user.has_right("patient.reveal", image.site_id))

    def get_source_name(self, image: Image) -> str:
        return image.source_name if self._names_shown(image) else ""

    @extend_schema_field(RecordSerializer(allow_null=True))
    def get_record(self, image: Image) -> dict[str, Any] | None:
        record = None if image.pk in self.context["hidden"] else image.record
        if record is None or self._names_shown(image):
            return record
        return {**record, "path": ""}

    def get_duplicate(self, image: Image) -> bool:
        return image.pk in self.context.get("duplicates", ())


_RESULT = ("probability", "threshold", "positive", "uncertain")


class StudyRowSerializer(s.ModelSerializer[Study]):
    """`probability` to `uncertain` are those of the most suspicious image.

    They and each `record` are null, too, where the person reads blind and has not yet said what
    they see.
    """

    state = s.ChoiceField(State.choices)
    probability = s.FloatField(source="headline.probability", default=None, allow_null=True)
    threshold = s.FloatField(source="headline.threshold", default=None, allow_null=True)
    positive = s.BooleanField(source="headline.positive", default=None, allow_null=True)
    uncertain = s.BooleanField(source="headline.record.uncertain", default=None, allow_null=True)
    notice = s.SerializerMethodField()

    class Meta:
        model = Study
        fields = [
            "id",
            "created",
            "state",
            "probability",
            "threshold",
            "positive",
            "uncertain",
            "notice",
        ]

    def get_notice(self, study: Study) -> str:  # noqa: ARG002
        return RESEARCH_USE_ONLY

    def to_representation(self, study: Study) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(study)
        return shown | dict.fromkeys(_RESULT) if study.hidden else shown


class PatientSerializer(s.ModelSerializer[Study]):
    class Meta:
        model = Study
        fields = [
            "patient_id",
            "patient_name",
            "age_years",
            "sex",
            "accession_number",
            "study_date",
            "study_instance_uid",
        ]


class DescriptionSerializer(s.ModelSerializer[Description]):
    """Typed by people, beside what the file says; null and empty: not typed."""

    symptoms = s.ListField(child=s.ChoiceField(Symptom.choices))

    class Meta:
        model = Description
        fields = FIELDS


class StudySerializer(StudyRowSerializer):
    images = ImageSerializer(many=True)
    typed = DescriptionSerializer(allow_null=True, read_only=True)
    patient = s.SerializerMethodField(help_text="Null unless asked for with `reveal`.")

    class Meta(StudyRowSerializer.Meta):
        fields = [*StudyRowSerializer.Meta.fields, "typed", "images", "patient"]

    @extend_schema_field(PatientSerializer(allow_null=True))
    def get_patient(self, study: Study) -> dict[str, Any] | None:
        return PatientSerializer(study).data if self.context.get("reveal") else None


class RefusalSerializer(s.Serializer[Refusal]):
    source_name = s.CharField()
    code = s.CharField(source="error.code")
    reason = s.CharField(source="error")
    remedy = s.CharField(source="error.remedy")


class ReceiptSerializer(s.Serializer[Any]):
    studies = StudySerializer(many=True)
    refused = RefusalSerializer(many=True)
    notice = s.SerializerMethodField()

    def get_notice(self, answer: Any) -> str:  # noqa: ARG002
        return RESEARCH_USE_ONLY


class UploadSerializer(s.Serializer[Any]):
    file = s.ListField(
        child=s.FileField(), min_length=1, help_text="One or more files, each a part `file`."
    )
