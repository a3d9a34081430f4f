"""Which reader a file needs."""

from pathlib import Path

from qipan.foundation.intake.reading import CsvReader, JsonLinesReader, ParquetReader, Reader
from qipan.foundation.intake.workbooks import WorkbookReader
from qipan.terms.errors import BadInput

#: how files begin that hold no table, whatever their name says
_OTHERS = (
    (b"%PDF", "PDF"), (b"\x89PNG", "PNG"), (b"\xff\xd8\xff", "JPEG"), (b"GIF8", "GIF"), (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"), (b"\x1f\x8b", "gzip"), (b"{\\rtf", "RTF"), (b"\x7fELF", "ELF"), (b"MZ\x90", "EXE"),
)  # fmt: skip


def open_file(path: Path, *, header_row: int = 1) -> Reader:
    """The reader for a file, by what is in it rather than by its name. Raises BadInput."""
    try:
        with path.open("rb") as file:
            magic = file.read(8)
    except OSError as error:
        raise BadInput("%(file)s cannot be read: %(why)s.", file=path.name, why=error.strerror) from None
    if magic.startswith(b"PAR1"):
        return ParquetReader(path)
    if magic.startswith(b"PK"):
        return WorkbookReader(path, header_row)
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadInput(
            "%(file)s is an old (.xls) or password-protected workbook: save it as .xlsx or CSV UTF-8.",
            file=path.name,
        )
    for start, form in _OTHERS:
        if magic.startswith(start):
            raise BadInput(
                "%(file)s is a %(form)s file, not a table: ask the sender for the table as XLSX or CSV.",
                file=path.name, form=form,
            )  # fmt: skip
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json"):
        return JsonLinesReader(path)
    return CsvReader(path, header_row)
