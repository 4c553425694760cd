from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "pneumoscope.web.gateway"
    label = "gateway"
