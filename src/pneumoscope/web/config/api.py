"""The API's addresses under /api/v1/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from pneumoscope.web.config import openapi  # noqa: F401 - registers our tokens with the schema
from pneumoscope.web.registry.api import ModelsView
from pneumoscope.web.reviews.api import ReviewsView, StudyReviewsView
from pneumoscope.web.studies.api import StudiesView, StudyView

urlpatterns = [
    path("studies", StudiesView.as_view(), name="studies"),
    path("studies/<uuid:study_id>", StudyView.as_view(), name="study"),
    path("studies/<uuid:study_id>/reviews", StudyReviewsView.as_view(), name="study_reviews"),
    path("reviews", ReviewsView.as_view(), name="reviews"),
    path("models", ModelsView.as_view(), name="models"),
    path("schema", SpectacularAPIView.as_view(permission_classes=[]), name="schema"),
]
