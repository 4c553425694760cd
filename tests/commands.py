"""Runs `pneumoscope` as its users do: as a process of its own."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
SAMPLES = REPOSITORY / "samples"
COMMAND = (sys.executable, "-m", "pneumoscope.cli")


def pneumoscope(
    *arguments: str | bytes | Path, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )
