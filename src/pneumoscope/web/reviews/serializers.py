"""The shapes of reviews in the API: as they are told, and as they are sent."""

from typing import Any

from rest_framework import serializers as s

from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.web.reviews.forms import LONGEST_SECONDS
from pneumoscope.web.reviews.models import Kind, Review
from pneumoscope.web.reviews.regions import MOST_REGIONS
from pneumoscope.web.reviews.states import Agreement, Label, ReadingState
from pneumoscope.web.studies.serializers import RecordModelSerializer


class DrawnRegionSerializer(s.Serializer[Any]):
    """Coordinates are pixels of the radiograph as displayed, x to the right, y down."""

    zone = s.CharField()
    box = s.ListField(child=s.FloatField(), help_text="x, y, width, height")
    contour = s.ListField(child=s.ListField(child=s.FloatField()), help_text="[x, y], …")


class ReviewSerializer(s.ModelSerializer[Review]):
    """One person's word on what one model version said of one image."""

    study = s.UUIDField(source="reading.analysis.image.study_id")
    image = s.UUIDField(source="reading.analysis.image_id")
    model = RecordModelSerializer(source="reading.analysis.record.model")
    probability = s.FloatField(source="reading.analysis.probability")
    threshold = s.FloatField(source="reading.analysis.threshold")
    positive = s.BooleanField(source="reading.analysis.positive")
    reading_state = s.ChoiceField(
        ReadingState.choices, source="reading.state", help_text="How far the reading has come."
    )
    reader = s.CharField(source="reader.username")
    label = s.ChoiceField(
        Label.choices, allow_blank=True, help_text="What the image shows; empty: unsure."
    )
    erased_regions = s.ListField(
        child=s.IntegerField(), help_text="Places in the record's `regions` that show nothing."
    )
    drawn_regions = DrawnRegionSerializer(many=True)
    seconds = s.SerializerMethodField(help_text="In front of the form; null: not known.")
    superseded = s.DateTimeField(
        allow_null=True, help_text="When the same person said something else; null: it stands."
    )
    notice = s.SerializerMethodField()

    class Meta:
        model = Review
        fields = [
            "id",
            "study",
            "image",
            "model",
            "probability",
            "threshold",
            "positive",
            "reading_state",
            "kind",
            "reader",
            "agreement",
            "label",
            "comment",
            "erased_regions",
            "drawn_regions",
            "seconds",
            "created",
            "superseded",
            "notice",
        ]
        read_only_fields = fields

    def get_seconds(self, review: Review) -> int | None:
        return review.seconds if review.seconds < LONGEST_SECONDS else None

    def get_notice(self, review: Review) -> str:  # noqa: ARG002
        return RESEARCH_USE_ONLY


class _AsSent:
    """A field that converts nothing: JSON itself says what is text and what is a number."""

    kinds: tuple[type, ...] = (str,)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, self.kinds):
            raise s.ValidationError("of the wrong type; the schema names it")
        return super().to_internal_value(data)  # type: ignore[misc]


class Text(_AsSent, s.CharField):
    pass


class Word(_AsSent, s.ChoiceField):
    pass


class Key(_AsSent, s.UUIDField):
    pass


class Whole(_AsSent, s.IntegerField):
    kinds = (int,)


class Number(_AsSent, s.FloatField):
    kinds = (int, float)


class OpinionSerializer(s.Serializer[Any]):
    """What a reader says of the result that `model` gave for `image`."""

    image = Key()
    model = Text(max_length=64, help_text="SHA-256 of the model whose result was read.")
    kind = Word(Kind.choices, default=Kind.READING)
    agreement = Word(Agreement.choices)
    label = Word(
        Label.choices,
        allow_blank=True,
        default="",
        help_text="What the image shows; empty: as the result says, or unsure.",
    )
    comment = Text(max_length=2000, allow_blank=True, default="")
    erased_regions = s.ListField(
        child=Whole(min_value=0),
        default=list,
        help_text="Places in the record's `regions` that show nothing.",
    )
    drawn_regions = s.ListField(
        child=s.ListField(child=s.ListField(child=Number(), min_length=2, max_length=2)),
        max_length=MOST_REGIONS,
        default=list,
        help_text="Closed polygons [[x, y], …] in pixels of the radiograph as displayed.",
    )
    supersedes = Whole(
        allow_null=True, default=None, help_text="Your review that this one takes the place of."
    )
