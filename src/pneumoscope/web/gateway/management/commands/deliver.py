"""`python -m pneumoscope.web deliver`: the process that sends results to other systems."""

import signal
import threading
from typing import Any

from django.core.management import BaseCommand

from pneumoscope.web.gateway.postman import Postman


class Command(BaseCommand):
    help = "Send results to their destinations until Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        ended = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: ended.set())
        Postman(ended).run()
