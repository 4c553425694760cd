"""Settings, URLs and processes: the top of the web."""

import os

SETTINGS_MODULE = "pneumoscope.web.config.settings"


def settings_use() -> None:
    """Make Django use our settings unless the environment names others."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS_MODULE)  # noqa: TID251
