"""Addresses of the Studies Service (PS3.18 tables 10.3.2-1 and 10.4.1-1)."""

from django.urls import path, register_converter

from pneumoscope.web.gateway import dicomweb_views as views


class UidConverter:
    regex = r"[0-9.]{1,64}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(UidConverter, "uid")

_STUDY = "studies/<uid:study>"
_SERIES = f"{_STUDY}/series/<uid:series>"
_INSTANCE = f"{_SERIES}/instances/<uid:instance>"
_instances = views.SearchView.as_view(level="instances")
_series = views.SearchView.as_view(level="series")

app_name = "dicomweb"
urlpatterns = [
    path("studies", views.StudiesView.as_view(), name="studies"),
    path("series", _series, name="all_series"),
    path("instances", _instances, name="all_instances"),
    path(_STUDY, views.StudyView.as_view(), name="study"),
    path(f"{_STUDY}/metadata", views.MetadataView.as_view(), name="study_metadata"),
    path(f"{_STUDY}/series", _series, name="study_series"),
    path(f"{_STUDY}/instances", _instances, name="study_instances"),
    path(_SERIES, views.RetrieveView.as_view(), name="series"),
    path(f"{_SERIES}/metadata", views.MetadataView.as_view(), name="series_metadata"),
    path(f"{_SERIES}/instances", _instances, name="series_instances"),
    path(_INSTANCE, views.RetrieveView.as_view(), name="instance"),
    path(f"{_INSTANCE}/metadata", views.MetadataView.as_view(), name="instance_metadata"),
    path(f"{_INSTANCE}/rendered", views.RenderedView.as_view(), name="rendered"),
    path(f"{_INSTANCE}/thumbnail", views.RenderedView.as_view(thumbnail=True), name="thumbnail"),
    path(f"{_INSTANCE}/frames/<str:numbers>", views.FramesView.as_view(), name="frames"),
    path(f"{_INSTANCE}/bulkdata/<str:tag>", views.BulkDataView.as_view(), name="bulkdata"),
]
