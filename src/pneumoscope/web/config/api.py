"""The API's addresses under /api/v1/."""

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView

urlpatterns: list[URLPattern] = [
    path("schema", SpectacularAPIView.as_view(), name="schema"),
]
