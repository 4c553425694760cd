"""`python -m pneumoscope.web <command>`: Django's management commands with our settings."""

import sys

from django.core.management import execute_from_command_line

from pneumoscope.web.config import settings_use

if __name__ == "__main__":
    settings_use()
    execute_from_command_line(["pneumoscope.web", *sys.argv[1:]])
