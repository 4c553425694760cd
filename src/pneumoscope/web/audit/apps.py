from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "pneumoscope.web.audit"
    label = "audit"

    def ready(self) -> None:
        from pneumoscope.web.audit.sign_in import signals_connect

        signals_connect()
