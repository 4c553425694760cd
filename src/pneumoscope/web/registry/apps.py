from django.apps import AppConfig


class RegistryConfig(AppConfig):
    name = "pneumoscope.web.registry"
    label = "registry"
