from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "pneumoscope.web.audit"
    label = "audit"
