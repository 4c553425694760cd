"""`/api/v1/reviews` and `/api/v1/studies/ID/reviews`: what readers said."""

import io
import json
from typing import Any

from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from pneumoscope.web.accounts.access import right_required
from pneumoscope.web.accounts.models import User
from pneumoscope.web.accounts.roles import Right
from pneumoscope.web.audit.services import list_record
from pneumoscope.web.reviews.forms import ReviewForm
from pneumoscope.web.reviews.models import Kind, Review
from pneumoscope.web.reviews.serializers import OpinionSerializer, ReviewSerializer
from pneumoscope.web.reviews.services import review_create
from pneumoscope.web.reviews.told import reviews_told
from pneumoscope.web.studies.blinding import hidden_images
from pneumoscope.web.studies.models import Analysis, Study


class SmallJSONParser(JSONParser):
    """Of as many bytes as Django keeps in memory, and nested no deeper than Python reads."""

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Raises ParseError and RequestDataTooBig."""
        stream = io.BytesIO(parser_context["request"].body)
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise ParseError from error


class ReviewsView(ListAPIView[Review]):
    """What readers said of results at the token's site, newest first, with what they said before.

    Left out are reviews of a result that you read blind and have not said your impression of, and
    other readers' words on a result that you review and have not reviewed yet.
    """

    permission_classes = [right_required("study.view")]
    serializer_class = ReviewSerializer

    def get_queryset(self) -> Any:
        found = reviews_told(self.request.user)
        related = found.select_related("reader", "reading__analysis__image")
        return related.defer("reading__analysis__heatmap_npy")

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        list_record(rows=[each.reading.analysis.image for each in page], request=self.request)
        return page


class StudyReviewsView(ReviewsView):
    """The same of one study; POST adds one."""

    permission_classes = [right_required("study.view", to_write="review.write")]
    parser_classes = [SmallJSONParser]

    def get_queryset(self) -> Any:
        study = _study(self.request, self.kwargs["study_id"])
        return super().get_queryset().filter(reading__analysis__image__study=study)

    @extend_schema(operation_id="study_reviews_list")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="study_reviews_add",
        request=OpinionSerializer,
        responses={201: ReviewSerializer},
    )
    def post(self, request: Request, study_id: str) -> Response:
        """Say what you see, as the token's person. Your own review that stands is superseded by
        naming it, and kept; between readers who disagree, a senior reader decides (`kind`)."""
        study = _study(request, study_id)
        sent = OpinionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        words = sent.validated_data
        kind = Kind(words["kind"])
        right: Right = "review.adjudicate" if kind == Kind.ADJUDICATION else "review.write"
        if not request.user.has_right(right, study.site_id):
            raise PermissionDenied
        analysis = _analysis(request.user, study, words)
        form = _form(analysis, kind, words)
        review = review_create(
            acting_user=request.user,
            analysis=analysis,
            kind=kind,
            opinion=form.opinion,
            supersedes=words["supersedes"],
        )
        return Response(ReviewSerializer(review).data, status=201)


def _study(request: Request, study_id: str) -> Study:
    study: Study = get_object_or_404(Study.objects.visible_to(request.user), pk=study_id)
    return study


def _analysis(user: User, study: Study, words: dict[str, Any]) -> Analysis:
    """The result that was read. One that the person may not see yet is as if it were not there."""
    results = Analysis.objects.filter(image__study=study, probability__isnull=False)
    found = (
        results.filter(image=words["image"], model_version__bundle_hash=words["model"])
        .select_related("image__study", "model_version")
        .first()
    )
    if found is None or hidden_images(user, [found.image]):
        raise ValidationError({"image": "this study shows you no result of this model for it"})
    return found


def _form(analysis: Analysis, kind: Kind, words: dict[str, Any]) -> ReviewForm:
    """The pages' own rules. Nobody knows for how long a program's person looked."""
    regions = {"erased": words["erased_regions"], "drawn": json.dumps(words["drawn_regions"])}
    form = ReviewForm(analysis, kind, words | regions | {"opened": "unknown"})
    if not form.is_valid():
        names = {"erased": "erased_regions", "drawn": "drawn_regions"}
        raise ValidationError({names.get(name, name): why for name, why in form.errors.items()})
    return form
