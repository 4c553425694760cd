"""How long the dashboards take on a database of many studies, by period, with the slowest queries.

    .venv-dev/bin/python tools/dashboard_rate.py [STUDIES [FOLDER]]

Prints the median processor time of five requests per period, the database included. See
`many_studies` for what is in it; with a FOLDER it stays there for the next time.
"""

import statistics

from many_studies import measured, processor_seconds, signed_in

PERIODS = (7, 30, 90, 365)


def measure() -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = signed_in()
    for days in PERIODS:
        times = []
        for _ in range(5):
            started = processor_seconds()
            page = client.get("/dashboard/", {"days": days})
            times.append(processor_seconds() - started)
        with CaptureQueriesContext(connection) as queries:
            client.get("/dashboard/", {"days": days})
        print(  # noqa: T201
            f"{days} days: {1000 * statistics.median(times):.0f} ms, {len(queries)} queries, "
            f"{len(page.content) / 1000:.0f} kB"
        )
        for query in sorted(queries, key=lambda q: -float(q["time"]))[:4]:
            print(f"   {1000 * float(query['time']):.0f} ms  {query['sql'][:100]}")  # noqa: T201


if __name__ == "__main__":
    measured(measure)
