from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    name = "pneumoscope.web.reviews"
    label = "reviews"
