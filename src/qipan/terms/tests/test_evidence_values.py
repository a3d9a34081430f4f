"""Values of evidence: what is taken, what is refused and in which words; and that nothing else is ever raised."""

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qipan.rulebooks.digest import parse_day
from qipan.terms.errors import BadInput
from qipan.terms.evidence import VALUE_KEYS, EvidenceKind
from qipan.terms.evidence_values import DAYS, RANGES, WORDS, check_evidence_value, read_day

ZONE = "Asia/Shanghai"
#: 20 July, 23:30 in Shanghai, where UTC is still at 15:30
AT = datetime(2022, 7, 20, 15, 30, tzinfo=UTC)
GOOD: dict[str, dict[str, Any]] = {
    "test": {"result": "positive", "method": "pcr", "ct": 31.5},
    "exposure": {"first": "2022-07-19", "last": "2022-07-20", "setting": "home", "minutes": 45, "distance_m": 1.5,
                 "class": "close"},
    "arrival": {"origin_area": "310115"},
    "residence": {"area": "410105", "level": "high"},
    "symptom": {"symptoms": ["fever"], "temperature": 38.1},
    "diagnosis": {"classification": "confirmed", "onset_date": "2022-07-18", "place": "x", "group": "y"},
    "recovery": {},
    "exemption": {"order_kind": "isolate", "until": "2022-08-01"},
    "follow_up": {"outcome": "well", "temperature": 36.6, "symptoms": []},
    "correction": {},
}  # fmt: skip


def check(kind: str, at: datetime = AT, zone: str = ZONE, **changed: Any) -> None:
    check_evidence_value(EvidenceKind(kind), GOOD[kind] | changed, at, zone=zone)


@pytest.mark.parametrize("kind", EvidenceKind)
def test_a_whole_value_is_taken_and_each_required_key_is_needed(kind: EvidenceKind) -> None:
    required, optional = VALUE_KEYS[kind]
    assert set(GOOD[kind]) == {*required, *optional}
    check(kind)
    check(kind, x_ward=[1, {"deep": None}])
    for key in optional:
        check(kind, **{key: None})
    for key in required:
        with pytest.raises(BadInput, match=f"needs {key}"):
            check(kind, **{key: None})
        rest = {name: content for name, content in GOOD[kind].items() if name != key}
        with pytest.raises(BadInput, match=f"needs {key}"):
            check_evidence_value(kind, rest, AT, zone=ZONE)
    with pytest.raises(BadInput, match="has no code, order"):
        check(kind, code="red", order="none")


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("residence", {"level": "mid"}),
        ("residence", {"level": "middle"}),
        ("residence", {"level": "unknown"}),
        ("arrival", {"origin_area": 310115}),
        ("symptom", {"symptoms": "fever"}),
        ("symptom", {"symptoms": []}),
        ("exposure", {"first": "2022-07-20"}),
        ("exposure", {"last": "2022-07-20T15:59:00+00:00"}),  # still the 20th in Shanghai
        ("exemption", {"until": "9999-12-31"}),
        ("diagnosis", {"onset_date": "2022-07-20"}),
        ("test", {"ct": 0}),
        ("follow_up", {"temperature": 45}),
    ],
)
def test_what_the_rulebooks_read_is_taken(kind: str, changed: dict[str, Any]) -> None:
    check(kind, **changed)


@pytest.mark.parametrize(
    ("kind", "changed", "message"),
    [
        ("test", {"result": "maybe"}, 'result is "maybe", but it is one of: positive, negative, indeterminate'),
        ("test", {"result": ["positive"]}, "result is"),
        ("test", {"method": {}}, "method is {}, not a text"),
        ("test", {"method": True}, "method is true, not a text"),
        ("test", {"ct": 61}, "ct is 61, not a number from 0 to 60"),
        ("test", {"ct": "31"}, "ct is"),
        ("test", {"ct": True}, "ct is true"),
        ("exposure", {"class": "distant"}, "class is"),
        ("exposure", {"first": "2022-07-20", "last": "2022-07-19"}, "before it begins on 2022-07-20"),
        ("exposure", {"last": "2022-07-21"}, "last is 2022-07-21, after the day of the fact itself, 2022-07-20"),
        ("exposure", {"last": "2022-07-20T16:00:00+00:00"}, "last is 2022-07-21"),
        ("exposure", {"first": "19 July"}, 'first is "19 July", not a date'),
        ("exposure", {"first": 20220719}, "first is 20220719, not a date"),
        ("exposure", {"first": "1899-12-31"}, "not a date"),
        ("exposure", {"minutes": -1}, "minutes is -1"),
        ("exposure", {"distance_m": float("inf")}, "distance_m is Infinity"),
        ("exposure", {"distance_m": float("nan")}, "distance_m is NaN"),
        ("residence", {"level": "purple"}, "level is"),
        ("symptom", {"temperature": 54.0}, "temperature is 54.0, not a number from 30 to 45"),
        ("symptom", {"symptoms": [1]}, "symptoms is"),
        ("symptom", {"symptoms": {"fever": 1}}, "symptoms is"),
        ("diagnosis", {"classification": "ill"}, "classification is"),
        ("diagnosis", {"onset_date": "2022-07-21"}, "onset_date is 2022-07-21, after the day"),
        ("exemption", {"order_kind": "all"}, "order_kind is"),
        ("exemption", {"until": "2022-02-30"}, "until is"),
        ("follow_up", {"outcome": "gone"}, "outcome is"),
    ],
)
def test_what_means_nothing_is_refused_by_name(kind: str, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput) as caught:
        check(kind, **changed)
    assert message in str(caught.value)
    json.dumps(dict(caught.value.params))  # intake keeps the parameters of a reject


def test_the_day_of_the_fact_is_the_places_own() -> None:
    check("exposure", at=datetime(2022, 7, 19, 16, 0, tzinfo=UTC))  # the start of the 20th in Shanghai
    with pytest.raises(BadInput, match="after the day"):
        check("exposure", at=datetime(2022, 7, 19, 16, 0, tzinfo=UTC), zone="UTC")


def test_a_value_is_an_object() -> None:
    with pytest.raises(BadInput, match="JSON object"):
        check_evidence_value(EvidenceKind.RECOVERY, [], AT, zone=ZONE)  # type: ignore[arg-type]


def test_the_tables_name_keys_that_there_are() -> None:
    for table in (WORDS, DAYS):
        for kind, keys in table.items():
            assert {*keys} <= {*VALUE_KEYS[kind][0], *VALUE_KEYS[kind][1]}
    assert {*RANGES} <= {key for required, optional in VALUE_KEYS.values() for key in required + optional}


_PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(10**400)
_JSON = _PLAIN | st.lists(_PLAIN, max_size=2) | st.dictionaries(st.text(max_size=3), _PLAIN, max_size=2)
_KEYS = sorted({key for required, optional in VALUE_KEYS.values() for key in required + optional} | {"x_1", "other"})


@given(st.sampled_from(EvidenceKind), st.dictionaries(st.sampled_from(_KEYS), _JSON, max_size=3))
def test_any_json_is_taken_or_refused_and_nothing_else(kind: EvidenceKind, changed: dict[str, Any]) -> None:
    value = GOOD[kind] | changed
    refused = None
    try:
        check_evidence_value(kind, value, AT, zone=ZONE)
    except BadInput as error:
        refused = error
    if refused is not None:
        assert refused.message % refused.params
        json.dumps(dict(refused.params))
    else:
        assert {key for key in value if not key.startswith("x_")} == set(GOOD[kind])


@given(st.dates(date(1900, 1, 1)), st.dates(date(1900, 1, 1)), st.dates(date(1901, 1, 1), date(2100, 1, 1)))
def test_an_exposure_ends_after_it_begins_and_not_after_the_fact(first: date, last: date, day: date) -> None:
    at = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONE)).astimezone(UTC)
    if first <= last <= day:
        check("exposure", at=at, first=str(first), last=str(last))
    else:
        with pytest.raises(BadInput):
            check("exposure", at=at, first=str(first), last=str(last))


@given(
    st.dates().map(str) | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.text(max_size=30),
    st.sampled_from(["Asia/Shanghai", "UTC"]),
)
def test_a_day_is_read_as_the_rulebooks_read_it(text: str, zone: str) -> None:
    ours, theirs = read_day(text, ZoneInfo(zone)), parse_day(text, ZoneInfo(zone))
    assert (ours is None) == (theirs is None)
    assert ours is None or min(ours, date(2199, 12, 31)) == theirs


def test_long_content_is_cut_short() -> None:
    with pytest.raises(BadInput) as caught:
        check("test", result="x" * 5000)
    assert len(str(caught.value)) < 200
