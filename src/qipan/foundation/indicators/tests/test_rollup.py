import statistics

from hypothesis import given
from hypothesis import strategies as st

from qipan.foundation.indicators.registry import AreaRow, Measured
from qipan.foundation.indicators.rollup import medians, rolled_up

AREAS = [AreaRow("1", "/1/"), AreaRow("11", "/1/11/"), AreaRow("111", "/1/11/111/"), AreaRow("12", "/1/12/")]
PATHS = st.sampled_from(["/1/", "/1/11/", "/1/11/111/", "/1/12/", "/1/13/", "/2/"])
NUMBERS = st.integers(0, 50)


def test_a_fact_counts_in_its_area_and_all_above() -> None:
    rows = [("/1/11/111/", 1, 2), ("/1/12/", 4, 8), ("/2/", 100, 100)]
    assert rolled_up(AREAS, rows, share=True) == [
        Measured("1", 5, 10),
        Measured("11", 1, 2),
        Measured("111", 1, 2),
        Measured("12", 4, 8),
    ]
    assert rolled_up(AREAS, rows, share=False)[0] == Measured("1", 5, None)


def test_an_area_without_facts_is_zero_and_has_no_median() -> None:
    assert rolled_up(AREAS[:1], [], share=True) == [Measured("1", 0, 0)]
    assert medians(AREAS[:1], []) == []


@given(st.lists(st.tuples(PATHS, NUMBERS, NUMBERS)))
def test_sums_are_those_of_the_rows_below(rows: list[tuple[str, int, int]]) -> None:
    for area, measured in zip(AREAS, rolled_up(AREAS, rows, share=True), strict=True):
        below = [row for row in rows if row[0].startswith(area.path)]
        assert measured == Measured(area.code, sum(r[1] for r in below), sum(r[2] for r in below))


@given(st.lists(st.tuples(PATHS, NUMBERS)))
def test_medians_are_those_of_the_rows_below(rows: list[tuple[str, int]]) -> None:
    found = {measured.area_code: measured.numerator for measured in medians(AREAS, rows)}
    for area in AREAS:
        below = [value for path, value in rows if path.startswith(area.path)]
        assert found.get(area.code) == (statistics.median(below) if below else None)
