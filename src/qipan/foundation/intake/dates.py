"""Dates and instants as people and spreadsheets write them, vectorised.

Dates: 2022-07-20, 2022/7/20, 2022.7.20, 20220720, 2022年7月20日, with a time of midnight or none. Instants: a
date, a time, an offset. Anything else needs its format named in the mapping: 03/04/2022 is two days.
"""

from collections.abc import Sequence

import polars as pl

from qipan.foundation.intake.workbooks import NUMBER

_DAY = r"([0-9]{4})\s*[-/.年]\s*([0-9]{1,2})\s*[-/.月]\s*([0-9]{1,2})\s*日?"
_DATE = rf"^{_DAY}(?:[T ]\s*0{{1,2}}:00(?::00(?:\.0+)?)?)?$"
_COMPACT = r"^([0-9]{4})([0-9]{2})([0-9]{2})$"
_INSTANT = (
    rf"^{_DAY}[T\s]\s*([0-9]{{1,2}}):([0-9]{{2}})(?::([0-9]{{2}})(?:\.([0-9]{{1,9}}))?)?\s*"
    r"(Z|z|[+-][0-9]{2}:?[0-9]{2})?$"
)
_YEARS = (1850, 2200)
#: Days from 1 January 1970 to day 0 of a spreadsheet (the 1900 system counts a 29 February 1900 that was not).
_EPOCH_1900, _EPOCH_1904 = 25569, 24107
_LAST_SERIAL = 2_958_465


def _joined(text: pl.Series, pattern: str) -> pl.Series:
    """The first three groups as YYYY-MM-DD, null where the pattern does not match."""
    part = pl.col("t").str.extract_groups(pattern).struct
    joined = pl.concat_str(
        [part[0], part[1].str.zfill(2), part[2].str.zfill(2)], separator="-", ignore_nulls=False
    )
    return text.to_frame("t").select(joined.alias("t")).to_series()


def _within_years(values: pl.Series) -> pl.Series:
    years = values.dt.year()
    return values.set(((years < _YEARS[0]) | (years > _YEARS[1])).fill_null(False), None)


def parse_dates(text: pl.Series, formats: Sequence[str] = ()) -> pl.Series:
    """Dates of text cells (null stays null); null for what is not a day. `formats`: strptime forms instead."""
    if formats:
        values = pl.Series(text.name, [None] * len(text), dtype=pl.Date)
        for form in formats:
            values = values.fill_null(text.str.to_date(form, strict=False))
        return _within_years(values)
    values = text.str.to_date("%Y-%m-%d", strict=False)
    if values.null_count() > text.null_count():
        for pattern in (_DATE, _COMPACT):
            values = values.fill_null(_joined(text, pattern).str.to_date("%Y-%m-%d", strict=False))
    return _within_years(values)


def parse_instants(text: pl.Series, formats: Sequence[str], zone: str) -> tuple[pl.Series, pl.Series]:
    """Instants (UTC, microseconds) of text cells, and which cells have no offset.

    Cells without an offset are local times of `zone`; without a zone, or where the local time does not exist
    or exists twice, they are null.
    """
    form = pl.Datetime("us", "UTC")
    if formats:
        naive = pl.Series(text.name, [None] * len(text), dtype=pl.Datetime("us"))
        for pattern in formats:
            naive = naive.fill_null(text.str.to_datetime(pattern, strict=False, time_unit="us"))
        return _within_years(_localised(naive, zone)), naive.is_not_null()
    # the usual case, in one pass: RFC 3339
    values = text.str.to_datetime("%+", strict=False, time_zone="UTC", time_unit="us").cast(form)
    if values.null_count() == text.null_count():
        return _within_years(values), pl.repeat(False, len(text), dtype=pl.Boolean, eager=True)
    part = pl.col("t").str.extract_groups(_INSTANT).struct
    offset = pl.coalesce(part[7], pl.lit(""))
    frame = text.to_frame("t").select(
        stamp=pl.concat_str(
            [
                part[0], pl.lit("-"), part[1].str.zfill(2), pl.lit("-"), part[2].str.zfill(2), pl.lit("T"),
                part[3].str.zfill(2), pl.lit(":"), part[4], pl.lit(":"), part[5].fill_null("00"),
                pl.lit("."), part[6].fill_null("0").str.pad_end(9, "0"),
            ]
        ),
        offset=pl.when(offset.str.to_uppercase() == "Z").then(pl.lit("+00:00")).otherwise(offset),
    )  # fmt: skip
    stamp, offsets = frame["stamp"], frame["offset"]
    local = stamp.is_not_null() & (offsets == "") & values.is_null()
    exact = (stamp + offsets.str.replace(r"^(...)(\d\d)$", "${1}:${2}")).str.to_datetime(
        "%+", strict=False, time_zone="UTC", time_unit="us"
    )
    values = values.fill_null(exact.cast(form))
    if zone and local.any():
        naive = stamp.set(~local, None).str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us")
        values = values.fill_null(_localised(naive, zone))
    return _within_years(values), local


def _localised(naive: pl.Series, zone: str) -> pl.Series:
    if not zone:
        return pl.Series(naive.name, [None] * len(naive), dtype=pl.Datetime("us", "UTC"))
    return naive.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")


def serials_as_text(cells: pl.Series, numbers: pl.Series, epoch_1904: bool) -> tuple[pl.Series, pl.Series]:
    """Marked spreadsheet numbers in a column of dates as ISO text, and which of them are doubtful.

    In the 1900 system day 60 is 29 February 1900, which was not, and days before it are one off: doubtful. A
    number beyond the last day (a compact date such as 20220720) stays as it is.
    """
    serial = cells.set(~numbers, None).str.strip_prefix(NUMBER).cast(pl.Float64, strict=False)
    usable = ((serial >= 0) & (serial <= _LAST_SERIAL)).fill_null(False)
    doubtful = usable & (serial < 61) & (not epoch_1904)
    days = serial - (_EPOCH_1904 if epoch_1904 else _EPOCH_1900)
    # to the second: a fraction of a day has no more in it
    stamps = ((days * 86_400).round() * 1000).cast(pl.Int64, strict=False).cast(pl.Datetime("ms"), strict=False)
    iso = stamps.dt.strftime("%Y-%m-%d %H:%M:%S")
    return cells.zip_with(~(usable & ~doubtful), iso), doubtful
