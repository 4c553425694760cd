from django.urls import path

from pneumoscope.web.studies import (
    described_views,
    first_case,
    pictures,
    pixels,
    saved_views,
    selection,
    upload_views,
    views,
)

app_name = "studies"
urlpatterns = [
    path("", views.start, name="worklist"),
    path("rows/", views.worklist_rows, name="worklist_rows"),
    path("worklist.csv", selection.export, name="export"),
    path("selection/", selection.selection, name="selection"),
    path("views/", saved_views.saved_view, name="saved_view"),
    path("first-case/", first_case.first_case, name="first_case"),
    path("upload/", upload_views.upload, name="upload"),
    path("uploads/", upload_views.uploads, name="uploads"),
    path("uploads/<uuid:upload_id>/", upload_views.upload_file, name="upload_file"),
    path("studies/<uuid:study_id>/", views.study, name="study"),
    path("studies/<uuid:study_id>/patient/", views.study_patient, name="study_patient"),
    path("images/<uuid:image_id>/patient/", described_views.image_describe, name="image_describe"),
    path("images/<uuid:image_id>/panel/", views.image_panel, name="image_panel"),
    path("images/<uuid:image_id>/impression/", views.impression, name="impression"),
    path("images/<uuid:image_id>/radiograph.jpg", pictures.image_rendered, name="image_rendered"),
    path("images/<uuid:image_id>/heatmap.png", pictures.image_heatmap, name="image_heatmap"),
    path("images/<uuid:image_id>/pixels", pixels.image_pixels, name="image_pixels"),
    path("images/<uuid:image_id>/priors/", pixels.image_priors, name="image_priors"),
    path("images/<uuid:image_id>/thumbnail.jpg", pictures.image_thumbnail, name="image_thumbnail"),
]
