"""CSV tables, ours and those of public sets."""

import csv
from collections.abc import Collection
from pathlib import Path
from typing import TypeAlias

from pneumoscope.lab.data import DataError

Row: TypeAlias = dict[str, str]
# Rows with the numbers of their lines.
Table: TypeAlias = list[tuple[int, Row]]
_OLDEST = 110


class TableError(DataError):
    """A table that is none, or lacks what is looked for in it."""

    code = "table_error"
    remedy = "Save it as CSV in UTF-8 with the names of the columns in the first line."


def read_table(table: Path, needed: Collection[str] = ()) -> Table:
    """Line number and cells of every row, without the blanks around them; "" where a cell is
    missing. Cells beyond the header are left out. Separated by commas, semicolons or tabs,
    whichever the first line has most of: spreadsheets write what their country does.

    Raises TableError, also where a column of `needed` is missing.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            delimiter = max(",;\t", key=file.readline().count)
            file.seek(0)
            reader = csv.DictReader(file, delimiter=delimiter, skipinitialspace=True)
            rows = [(reader.line_num, _cells(row)) for row in reader]
            missing = set(needed) - set(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{table} is no CSV in UTF-8: {error}.") from error
    if missing:
        raise TableError(f"{table} lacks the columns {', '.join(sorted(missing))}.")
    return rows


def _cells(row: dict[str | None, str | None]) -> Row:
    return {key.strip(): (value or "").strip() for key, value in row.items() if key}


def plausible_age(text: str) -> float | None:
    """Years; None where nothing plausible stands there: NIH's table holds ages over 400."""
    try:
        age = float(text)
    except ValueError:
        return None
    return age if 0 <= age <= _OLDEST else None
