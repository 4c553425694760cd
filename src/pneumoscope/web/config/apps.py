from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "pneumoscope.web.config"
    label = "config"

    def ready(self) -> None:
        # Celery's application must exist before a task is sent; the others register themselves.
        from pneumoscope.web.config import celery, checks  # noqa: F401
