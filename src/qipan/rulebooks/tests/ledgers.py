"""Random ledgers for property tests: all kinds, links, voids (chains and circles), late and future items."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from qipan.terms.evidence import EvidenceItem, EvidenceKind

START = datetime(2022, 7, 1, tzinfo=UTC)
PERSONS = ("A", "B", "C", 'D"')
_DAYS = st.integers(0, 24).map(lambda n: (START + timedelta(days=n)).date().isoformat())
_HOURS = st.integers(0, 24 * 30).map(lambda n: START + timedelta(hours=n))
_TEXT = {
    EvidenceKind.TEST: st.fixed_dictionaries(
        {"result": st.sampled_from(["positive", "negative", "negative", "indeterminate"]), "method": st.just("pcr")}
    ),
    EvidenceKind.EXPOSURE: st.fixed_dictionaries(
        {"first": _DAYS, "last": _DAYS, "setting": st.sampled_from(["household", 'a "q"'])},
        optional={"class": st.sampled_from(["close", "secondary", "secondary", "general"])},
    ),
    EvidenceKind.ARRIVAL: st.fixed_dictionaries(
        {"origin_area": st.sampled_from(["US", "410100", "410105", "110000", "", "abroad"])}
    ),
    EvidenceKind.RESIDENCE: st.fixed_dictionaries(
        {"area": st.just("410105"), "level": st.sampled_from(["high", "medium", "mid", "low", "unknown"])}
    ),
    EvidenceKind.SYMPTOM: st.fixed_dictionaries(
        {"symptoms": st.sampled_from([[], ["cough"]])}, optional={"temperature": st.sampled_from([36.5, 37.3, 39])}
    ),
    EvidenceKind.DIAGNOSIS: st.fixed_dictionaries(
        {"classification": st.sampled_from(["suspected", "probable", "confirmed", "asymptomatic", "discarded"])}
    ),
    EvidenceKind.RECOVERY: st.just({}),
    EvidenceKind.EXEMPTION: st.fixed_dictionaries(
        {
            "order_kind": st.sampled_from(["isolate", "quarantine_central", "quarantine_home", "monitor_home", "test"]),
            "until": st.one_of(_DAYS, st.sampled_from(["9999-12-31", "2022-07-12T18:00:00+00:00", "soon"])),
        }
    ),
    EvidenceKind.FOLLOW_UP: st.fixed_dictionaries(
        {"outcome": st.sampled_from(["well", "symptomatic", "not_found", "refused"])}
    ),
    EvidenceKind.CORRECTION: st.just({}),
}


@st.composite
def items(draw: st.DrawFn, number: int) -> EvidenceItem:
    """One random item; its id is its number, so that an item can void any other, itself and the unknown."""
    kind = draw(
        st.sampled_from([*EvidenceKind, *(2 * [EvidenceKind.TEST]), *(2 * [EvidenceKind.EXPOSURE])])
    )
    at = draw(_HOURS)
    late = draw(st.sampled_from([0, 0, 0, 5, 30, 100]))
    voids = None
    if kind is EvidenceKind.CORRECTION:
        voids = str(draw(st.integers(0, 14)))
    return EvidenceItem(
        evidence_id=str(number),
        person_id=draw(st.sampled_from(PERSONS)),
        kind=kind,
        at=at,
        recorded_at=at + timedelta(hours=late),
        value=draw(_TEXT[kind]),
        linked_person_id=draw(st.sampled_from([None, *PERSONS])) if kind is EvidenceKind.EXPOSURE else None,
        voids=voids,
    )


@st.composite
def ledgers(draw: st.DrawFn) -> list[EvidenceItem]:
    """A ledger of up to 14 items about four persons."""
    count = draw(st.integers(1, 14))
    return [draw(items(number)) for number in range(count)]


moments = st.integers(0, 24 * 40).map(lambda n: START + timedelta(hours=n))


@st.composite
def linked_ledgers(draw: st.DrawFn) -> list[EvidenceItem]:
    """A contact B, a contact of B, and many tests of both in the days that matter."""
    base = draw(st.integers(0, 3))
    shift = draw(st.integers(0, 3))

    def exposure(number: int, person: str, day: int, contact_class: str, linked: str | None) -> EvidenceItem:
        at = START + timedelta(days=day, hours=3)
        last = at.date().isoformat()
        value = {"first": last, "last": last, "setting": "home", "class": contact_class}
        return EvidenceItem(str(number), person, EvidenceKind.EXPOSURE, at, at, value, linked)

    found = [exposure(100, "B", base, "close", None), exposure(101, "A", base + shift, "secondary", "B")]
    for number in range(draw(st.integers(2, 9))):
        at = START + timedelta(hours=draw(st.integers(24 * base - 12, 24 * base + 300)))
        late = draw(st.sampled_from([0, 6, 72]))
        found.append(
            EvidenceItem(
                str(number),
                draw(st.sampled_from(["A", "B", "B"])),
                EvidenceKind.TEST,
                at,
                at + timedelta(hours=late),
                {"result": draw(st.sampled_from(["negative", "negative", "negative", "positive"])), "method": "pcr"},
            )
        )
    return [*found, *(draw(items(200 + n)) for n in range(draw(st.integers(0, 2))))]
