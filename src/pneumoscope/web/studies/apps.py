from django.apps import AppConfig


class StudiesConfig(AppConfig):
    name = "pneumoscope.web.studies"
    label = "studies"
