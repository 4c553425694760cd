"""A whole installation in a folder of its own, run as its users run it: by processes."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_SECONDS = 300.0  # a machine may be busy; this is no measure of speed


@dataclass
class Installation:
    home: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        inherited = dict(os.environ)  # noqa: TID251
        ours = {f"PNEUMOSCOPE_{name}": value for name, value in self.settings.items()}
        return {**inherited, "PNEUMOSCOPE_HOME": str(self.home), **ours}

    def manage(self, *words: str) -> str:
        """Run a management command to its end."""
        command = [sys.executable, "-m", "pneumoscope.web", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, *words: str, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", *words]
        return subprocess.Popen(command, env=self.environment, text=True, **options)

    def start_worker(self) -> subprocess.Popen[str]:
        words = ["celery", "-A", "pneumoscope.web.config.celery", "worker", "--pool", "solo"]
        return self.start(*words, "--loglevel", "ERROR", stdout=subprocess.DEVNULL)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Look into the SQLite database from outside, as it is committed."""
        connection = sqlite3.connect(self.home / "pneumoscope.sqlite3", timeout=20)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


def wait_until(true: Callable[[], bool], *, every: float = 0.02) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(every)
