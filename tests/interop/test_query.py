from datetime import date

from pydicom.dataset import Dataset

from pneumoscope.interop.query import FoundSeries, StudyQuery, date_range, fits, found_series, text


def test_date_ranges():
    day = date(2026, 1, 2)
    assert date_range(None, None) == ""
    assert date_range(day, None) == "20260102-"
    assert date_range(None, day) == "-20260102"
    assert date_range(day, day) == "20260102-20260102"


def test_which_series_are_wanted():
    query = StudyQuery(modalities=frozenset({"DX"}), body_parts=frozenset({"CHEST"}))
    assert fits(FoundSeries("1", "2", "DX", "chest"), query)
    assert fits(FoundSeries("1", "2", "DX", ""), query)
    assert not fits(FoundSeries("1", "2", "CT", "CHEST"), query)
    assert not fits(FoundSeries("1", "2", "DX", "HAND"), query)
    assert fits(FoundSeries("1", "2", "", ""), StudyQuery())


def test_an_archive_may_answer_anything():
    answer = Dataset()
    assert found_series(answer, "1") == FoundSeries("1", "", "", "")
    answer.SeriesInstanceUID = ["1.2", "1.3"]
    answer.Modality = None
    assert text(answer, "SeriesInstanceUID") == "1.2"
    assert text(answer, "Modality") == ""
