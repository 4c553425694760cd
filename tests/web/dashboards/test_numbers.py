"""Bins, shares and times: the arithmetic under the dashboards."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from math import ceil
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pneumoscope.web.dashboards import words
from pneumoscope.web.dashboards.periods import WIDTHS, Bins
from pneumoscope.web.dashboards.shares import LEAST, Share
from pneumoscope.web.dashboards.times import Spread
from pneumoscope.web.dashboards.waiting import HOURS, full_hours

TODAY = date(2026, 11, 23)


@given(st.integers(1, 60), st.integers(1, 12))
def test_bins_cover_the_period_once_and_end_today(whole, width):
    days = whole + width
    bins = Bins.up_to(TODAY, days=days, width=width)
    spans = [bins.days(place) for place in range(len(bins.starts))]
    assert spans[0][0] == TODAY - timedelta(days=days - 1)
    assert spans[-1][1] == TODAY
    for (_, last), (first, _) in pairwise(spans):
        assert first == last + timedelta(days=1)
    assert all((last - first).days + 1 == width for first, last in spans[1:])
    assert bins.before == spans[0][0] - timedelta(days=days)
    assert bins.whole.before == bins.before


@pytest.mark.parametrize("days", WIDTHS)
def test_a_leftover_shorter_than_half_a_bin_joins_the_first(days):
    bins = Bins.up_to(TODAY, days=days, width=WIDTHS[days])
    first, last = bins.days(0)
    assert WIDTHS[days] / 2 <= (last - first).days + 1 < 1.5 * WIDTHS[days] + 1


def test_bins_are_named_by_their_days():
    assert Bins.up_to(TODAY, days=7, width=1).label(6) == "23 Nov 2026"
    weeks = Bins.up_to(TODAY, days=56, width=7)
    assert weeks.label(7) == "17–23 Nov 2026"
    assert weeks.label(4) == "27 Oct–2 Nov 2026"
    assert Bins.up_to(date(2026, 1, 2), days=7, width=7).label(0) == "27 Dec 2025–2 Jan 2026"


def test_wilson_as_published():
    """Newcombe, Stat Med 1998, 17:857-872, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for part, whole, low, high in [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ]:
        assert Share(part, whole).interval == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(LEAST, 500))
def test_the_interval_lies_around_the_share_and_mirrors(part, whole):
    part = min(part, whole)
    low, high = Share(part, whole).interval
    assert 0 <= low <= part / whole + 1e-12
    assert part / whole - 1e-12 <= high <= 1
    other_low, other_high = Share(whole - part, whole).interval
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high))


@given(st.integers(0, LEAST - 1))
def test_of_too_few_there_is_no_share(whole):
    share = Share(whole, whole)
    assert share.value is None
    assert share.interval is None
    assert "%" not in words.share(share) + words.interval(share)


@given(st.lists(st.integers(1, 99), min_size=1))
def test_median_and_ninth_are_the_nearest_ranks(times):
    spread = Spread.of([Counter(times[:3]), Counter(times[3:])])
    ordered = sorted(times)
    assert spread.count == len(times)
    assert spread.median == ordered[ceil(len(times) / 2) - 1]
    assert spread.ninth == ordered[ceil(9 * len(times) / 10) - 1]


def test_nothing_done_has_no_times():
    assert Spread.of([Counter()]) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0 s"),
        (3.2, "3.2 s"),
        (34, "34 s"),
        (300, "5.0 min"),
        (9000, "2.5 h"),
        (9e5, "10 d"),
    ],
)
def test_durations_have_two_digits_and_a_unit(seconds, said):
    assert words.duration(seconds).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "–"), (3, 7, "3 of 7"), (0, 400, "0 %"), (1, 400, "< 1 %"), (399, 400, "> 99 %")],
)
def test_shares_say_all_and_none_only_of_all_and_none(part, whole, said):
    assert words.share(Share(part, whole)).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 3, 29, 12, 40, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime(2026, 10, 25, 12, 40, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime(2026, 11, 23, 12, 40, tzinfo=ZoneInfo("Asia/Kolkata")),
    ],
    ids=["clocks forward", "clocks back", "half hours"],
)
def test_full_hours_are_an_hour_apart_whatever_clocks_do(now):
    hours = full_hours(now)
    assert len(hours) == HOURS
    assert hours[-1] == now - timedelta(minutes=40)
    assert {hour.minute for hour in hours} == {0}
    moments = [hour.astimezone(UTC) for hour in hours]
    assert {after - before for before, after in pairwise(moments)} == {timedelta(hours=1)}
