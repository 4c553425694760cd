from django.urls import path

from pneumoscope.web.reviews import views

app_name = "reviews"
urlpatterns = [
    path("analyses/<int:analysis_id>/review/", views.review, name="review"),
    path("analyses/<int:analysis_id>/review/save/", views.review_save, name="review_save"),
    path("reviews/", views.readings, name="readings"),
]
