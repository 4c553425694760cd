from django.urls import path

from pneumoscope.web.audit import views

app_name = "audit"
urlpatterns = [
    path("audit/", views.events, name="events"),
    path("audit/events.csv", views.export, name="export"),
]
