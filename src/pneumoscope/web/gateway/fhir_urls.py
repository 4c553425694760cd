from django.urls import path, re_path

from pneumoscope.web.gateway.fhir_audit_views import AuditReadView, AuditSearchView
from pneumoscope.web.gateway.fhir_views import MetadataView, NothingView, ReadView, SearchView

app_name = "fhir"
urlpatterns = [
    path("metadata", MetadataView.as_view(), name="metadata"),
    path("AuditEvent", AuditSearchView.as_view(), name="audit_search"),
    path("AuditEvent/<uuid:event_id>", AuditReadView.as_view(), name="audit_read"),
    path("<slug:kind>", SearchView.as_view(), name="search"),
    path("<slug:kind>/<slug:resource_id>", ReadView.as_view(), name="read"),
    re_path("(?P<rest>.*)", NothingView.as_view(), name="nothing"),
]
