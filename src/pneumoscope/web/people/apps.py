from django.apps import AppConfig


class PeopleConfig(AppConfig):
    name = "pneumoscope.web.people"
    label = "people"
