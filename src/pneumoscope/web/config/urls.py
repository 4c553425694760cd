"""Every address: the pages, the API, health, what an installed web app needs."""

from django.urls import include, path

from pneumoscope.web.config import api, health, installed

urlpatterns = [
    path("", include("pneumoscope.web.studies.urls")),
    path("", include("pneumoscope.web.reviews.urls")),
    path("", include("pneumoscope.web.accounts.urls")),
    path("", include("pneumoscope.web.people.urls")),
    path("", include("pneumoscope.web.audit.urls")),
    path("", include("pneumoscope.web.registry.urls")),
    path("", include("pneumoscope.web.dashboards.urls")),
    path("dicomweb/", include("pneumoscope.web.gateway.dicomweb_urls")),
    path("incoming/", include("pneumoscope.web.gateway.incoming_urls")),
    path("outgoing/", include("pneumoscope.web.gateway.outgoing_urls")),
    path("fhir/", include("pneumoscope.web.gateway.fhir_urls")),
    path("api/v1/", include((api.urlpatterns, "api"))),
    path("healthz", health.healthz, name="healthz"),
    path("manifest.webmanifest", installed.manifest, name="manifest"),
    path("service-worker.js", installed.service_worker, name="service_worker"),
    path("offline/", installed.offline, name="offline"),
]

handler400 = "pneumoscope.web.config.problems.bad_request"
handler403 = "pneumoscope.web.config.problems.forbidden"
handler404 = "pneumoscope.web.config.problems.not_found"
handler500 = "pneumoscope.web.config.problems.server_error"
