"""What a long command says while it works, on stderr."""

import logging


def log_progress(*, speaks: bool = True) -> None:
    """Our own lines, with the time. Of libraries warnings alone: an export would otherwise tell
    of every node of the graph. speaks: false for the others of several processes."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("pneumoscope").setLevel(logging.INFO if speaks else logging.WARNING)
