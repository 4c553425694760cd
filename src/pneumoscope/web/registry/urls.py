from django.urls import path

from pneumoscope.web.registry import views

app_name = "registry"
urlpatterns = [
    path("models/", views.models, name="models"),
    path("models/<str:bundle_hash>/", views.model, name="model"),
]
