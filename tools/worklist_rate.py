"""How long a page of the worklist takes among very many studies: by order, filter, search, depth.

    .venv-dev/bin/python tools/worklist_rate.py [STUDIES [FOLDER]]

Prints, of five requests each, the median processor time, the database included, and the median time
by the clock, with the number of queries. See `many_studies` for what is in it; with a FOLDER it
stays there for the next time.
"""

import statistics
import time
from typing import Any

from many_studies import measured, processor_seconds, signed_in

ROUNDS = 5


def questions() -> dict[str, dict[str, str]]:
    """What is asked for, by a name that says what it is like."""
    from django.utils import timezone

    from pneumoscope.web.audit.keyset import place_of
    from pneumoscope.web.studies.conditions import AGES, RESULTS, STATES, VIEWS
    from pneumoscope.web.studies.models import Study
    from pneumoscope.web.studies.worklist import ORDERS

    count = Study.objects.count()
    one = Study.objects.order_by("created")[count // 2]
    deep = {
        f"{sort}, deep": {
            "sort": sort,
            "after": place_of(
                Study.objects.order_by(*(f"-{name}" for name in fields))[count * 9 // 10], fields
            ),
        }
        for sort, fields in ORDERS.items()
    }
    filters = {
        "result": [*RESULTS],
        "state": [*STATES],
        "age": [*AGES, "unknown"],
        "sex": ["F", "O", "unknown"],
        "view": [*VIEWS, "unknown"],
        "site": ["north"],
        "source": ["dicom", "upload"],
        "reviewed": [":me", ":nobody", "reader-1"],
        "disagreement": ["model", "readers"],
        "assigned": ["me", "nobody"],
        "reason": ["corrupt_file", "lateral_view", "none"],
        "since": [timezone.localdate().isoformat()],
        "until": [timezone.localdate().replace(day=1).isoformat()],
    }
    words = {
        "patient ID": one.patient_id,
        "patient's name": one.patient_name,
        "accession": one.accession_number,
        "study UID": one.study_instance_uid,
        "study key": str(one.pk),
        "file": one.images.get().source_name,
        "beginning of a name": "mü",
        "beginning of every file": "im-",
        "one letter": "a",
        "two words": "silva ana",
        "nothing": "zzzz",
    }
    narrowed = {name: {"q": "im-", **more} for name, more in _NARROWED.items()}
    return {
        "suspicious first": {},
        "newest first": {"sort": "newest"},
        **deep,
        **{f"{name} {word}": {name: word} for name, some in filters.items() for word in some},
        **{f"search: {name}": {"q": word} for name, word in words.items()},
        **narrowed,
    }


_NARROWED = {
    "search: file, of failed": {"state": "FAILED"},
    "search: file, of disputed": {"disagreement": "readers"},
    "search: file, of lateral": {"view": "RL"},
}


def measure(client: Any, asked: dict[str, str]) -> tuple[float, float, int]:
    """Milliseconds of processor and clock, and queries."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        client.get("/", asked)
        queries = len(captured)
    spent = []
    for _ in range(ROUNDS):
        processor, clock = processor_seconds(), time.perf_counter()
        page = client.get("/", asked)
        spent.append((processor_seconds() - processor, time.perf_counter() - clock))
        if page.status_code != 200:
            raise SystemExit(f"{asked}: {page.status_code}")
    processor, clock = (1000 * statistics.median(each) for each in zip(*spent, strict=True))
    return processor, clock, queries


def main() -> None:
    client = signed_in()
    worst = 0.0
    for name, asked in questions().items():
        processor, clock, queries = measure(client, asked)
        worst = max(worst, processor)
        print(f"{name:32} {processor:6.0f} ms {clock:6.0f} ms by the clock, {queries} queries")  # noqa: T201
    print(f"the longest: {worst:.0f} ms")  # noqa: T201


if __name__ == "__main__":
    measured(main)
