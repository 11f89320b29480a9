"""Grid: the filled cells of a workbook or of a CSV file, whatever program saved it."""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from bimedix2_core.data.review.cells import Cell, from_csv, from_xlsx
from bimedix2_core.data.review.workbook import REVIEW_SHEET
from bimedix2_core.errors import DataError


@dataclass(frozen=True)
class Line:
    """A row with at least one filled cell."""

    number: int
    """Row number as a spreadsheet shows it, from 1."""
    cells: dict[int, Cell]
    """Filled cells by column index, from 0."""


def read_grid(file: Path, what: str) -> list[Line]:
    """The filled cells of an .xlsx workbook's sheet Review, or of a .csv or .txt file.

    Args:
        file: what came back.
        what: the name it goes by in a message, such as ``review sheet``.

    Raises:
        DataError: there is no such file, it has another ending, or it is not what its ending says.
    """
    if not file.is_file():
        raise DataError(f"{file}: no such {what}")
    if file.suffix.lower() == ".xlsx":
        return _read_workbook(file)
    if file.suffix.lower() in (".csv", ".txt"):
        return _read_csv(file)
    raise DataError(f"{file.name}: a {what} ends in .xlsx or .csv; save it as one of them")


def _read_workbook(file: Path) -> list[Line]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl tells of parts that it leaves out, never of texts
        try:
            return _lines_of(_review_sheet(file))
        except DataError:
            raise
        except (zipfile.BadZipFile, InvalidFileException, ParseError, LookupError, ValueError, TypeError) as error:
            raise DataError(f"{file.name} is no workbook that can be read ({error}); save it as .xlsx again") from None


def _review_sheet(file: Path) -> Worksheet:
    book = load_workbook(io.BytesIO(file.read_bytes()), read_only=True)
    for sheet in book.worksheets:
        if sheet.title.strip().lower() == REVIEW_SHEET.lower():
            return sheet
    found = ", ".join(map(repr, book.sheetnames))
    raise DataError(f"{file.name} has no sheet {REVIEW_SHEET!r}, only {found}; give it its name back")


def _lines_of(sheet: Worksheet) -> list[Line]:
    sheet.reset_dimensions()  # some programs write a wrong range, and cells beyond it would be lost
    lines = []
    for number, row in enumerate(sheet.iter_rows(), start=1):
        cells = {
            index: _cell(f"{get_column_letter(index + 1)}{number}", cell.value, cell.data_type)
            for index, cell in enumerate(row)
            if cell.value is not None
        }
        lines += _filled(number, cells)
    return lines


def _cell(address: str, value: object, data_type: str) -> Cell:
    if data_type in ("f", "e"):
        return Cell(address, str(value), "formula")
    if isinstance(value, datetime):
        return Cell(address, value.date().isoformat(), "date")
    if isinstance(value, date):
        return Cell(address, value.isoformat(), "date")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return Cell(address, f"{value:.15g}", "number")
    return Cell(address, from_xlsx(str(value)))


def _read_csv(file: Path) -> list[Line]:
    text = _decoded(file)
    first, _, rest = text.partition("\n")
    if re.fullmatch(r"sep=.\r?", first):
        text = rest
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    try:
        return [line for number, row in enumerate(rows, start=1) for line in _csv_line(number, row)]
    except csv.Error as error:
        raise DataError(f"{file.name}, row {rows.line_num}: no CSV that can be read ({error})") from None


def _csv_line(number: int, row: Iterable[str]) -> list[Line]:
    cells = {index: Cell(f"{get_column_letter(index + 1)}{number}", from_csv(text)) for index, text in enumerate(row)}
    return _filled(number, cells)


def _filled(number: int, cells: dict[int, Cell]) -> list[Line]:
    """The line without its blank cells, or nothing."""
    filled = {index: cell for index, cell in cells.items() if cell.text.strip()}
    return [Line(number, filled)] if filled else []


def _decoded(file: Path) -> str:
    content = file.read_bytes()
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(
            f"{file.name} is neither UTF-8 nor UTF-16, so its Arabic may be lost; save it as 'CSV UTF-8' from the "
            "sheet that shows it rightly"
        ) from None


def _delimiter(text: str) -> str:
    """Comma, semicolon or tab: the most frequent in the header."""
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)
