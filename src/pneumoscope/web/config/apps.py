from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "pneumoscope.web.config"
    label = "config"
