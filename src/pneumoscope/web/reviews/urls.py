from django.urls import path

from pneumoscope.web.reviews import bulk_views, report_views, views

app_name = "reviews"
urlpatterns = [
    path("analyses/<int:analysis_id>/review/", views.review, name="review"),
    path("analyses/<int:analysis_id>/review/save/", views.review_save, name="review_save"),
    path("analyses/<int:analysis_id>/similar/", views.similar, name="similar"),
    path("reviews/", views.readings, name="readings"),
    path("reports/", bulk_views.reports, name="chosen_reports"),
    path("studies/<uuid:study_id>/report/", report_views.report, name="report"),
    path("studies/<uuid:study_id>/report/write/", report_views.report_write, name="report_write"),
    path("studies/<uuid:study_id>/report/add/", report_views.report_add, name="report_add"),
    path("studies/<uuid:study_id>/report.pdf", report_views.report_as_pdf, name="report_pdf"),
    path("studies/<uuid:study_id>/report.json", report_views.report_as_json, name="report_json"),
]
