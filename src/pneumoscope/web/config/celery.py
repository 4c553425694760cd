"""The Celery application: `celery -A pneumoscope.web.config.celery worker --pool solo`."""

from contextlib import suppress
from pathlib import Path

from celery import Celery
from django.conf import settings

from pneumoscope.web.config import settings_use

settings_use()
app = Celery("pneumoscope")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Without a server for the broker, messages are files, in folders that must exist. Where they cannot
# be made the system check of the home says so.
for option, value in getattr(settings, "CELERY_BROKER_TRANSPORT_OPTIONS", {}).items():
    if "folder" in option:
        with suppress(OSError):
            Path(value).mkdir(mode=0o700, parents=True, exist_ok=True)
