"""Books as files: what the validator says (file, line, rule), layers, tables, and hand-computed decisions."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from qipan.rulebooks.explain import explain_book, explain_decision
from qipan.rulebooks.ledger import voided_keys
from qipan.rulebooks.loader import BOOKS, check_book, load_book, shipped_books
from qipan.rulebooks.single import decide
from qipan.rulebooks.tables import EMPTY_TABLES, RiskRow, Tables, area_risk, origin_class
from qipan.terms.decisions import Decision
from qipan.terms.errors import BadInput
from qipan.terms.evidence import EvidenceItem, EvidenceKind, HealthCode

NINE = (BOOKS / "covid19-cn-9.toml").read_text(encoding="utf-8")
NOON = datetime(2022, 7, 10, 4, tzinfo=UTC)


def item(number: int, person: str, kind: str, day: int, **value: object) -> EvidenceItem:
    at = datetime(2022, 7, 1, 4, tzinfo=UTC) + timedelta(days=day - 1)
    linked = value.pop("linked", None)
    return EvidenceItem(str(number), person, EvidenceKind(kind), at, at, value, linked)  # type: ignore[arg-type]


def exposed(
    number: int, person: str, day: int, contact_class: str = "close", linked: str | None = None
) -> EvidenceItem:
    last = date(2022, 7, day).isoformat()
    value = {"first": last, "last": last, "setting": "home", "class": contact_class}
    return item(number, person, "exposure", day, **value, linked=linked)


def on_day(
    day: int, *evidence: EvidenceItem, book: str = "covid19-cn-9", person: str = "A", tables: Tables = EMPTY_TABLES
) -> Decision:
    return decide(load_book(book), tables, evidence, person, NOON + timedelta(days=day - 10))


def codes(days: range, *evidence: EvidenceItem, book: str = "covid19-cn-9") -> str:
    return "".join(on_day(day, *evidence, book=book).code.value[0] for day in days)


def test_the_three_editions_on_one_contact() -> None:
    contact = exposed(1, "A", 1)
    double = (item(2, "A", "test", 15, result="negative", method="pcr"),) * 2
    both = (double[0], EvidenceItem("3", "A", EvidenceKind.TEST, double[0].at, double[0].at, double[0].value))
    assert codes(range(1, 13), contact) == "rrrrrrrryyyg"
    assert codes(range(1, 11), contact, book="covid19-cn-20") == "rrrrrrrrrg"
    assert codes(range(14, 24), contact, *both, book="covid19-cn-8") == "rryyyyyyyg"
    # without the double test: awaiting until day 16, then monitored for what is left, then free
    assert codes(range(14, 24), contact, book="covid19-cn-8") == "rrrryyyyyg"


def test_an_order_starts_when_it_is_known_and_not_after_its_end() -> None:
    late = exposed(1, "A", 1)
    late = EvidenceItem(late.evidence_id, "A", late.kind, late.at, NOON, late.value)
    known = on_day(10, late)
    assert [(order.kind.value, order.starts.day) for order in known.orders] == [("monitor_home", 10)]
    assert on_day(9, late).code is HealthCode.GREEN


def test_the_latest_clock_wins() -> None:
    two = (exposed(1, "A", 1), exposed(2, "A", 4))
    assert codes(range(1, 16), *two) == "rrrrrrrrrrryyyg"
    assert on_day(5, *two).orders[0].evidence == ("2",)


def test_a_weaker_rule_does_not_shorten_a_stronger_one() -> None:
    """A contact who later becomes a contact of a contact stays a contact until his own end."""
    both = (exposed(1, "A", 3), exposed(2, "A", 4, "secondary", "B"))
    kinds = [order.kind.value for order in on_day(5, *both).orders]
    assert kinds == ["quarantine_central", "quarantine_home", "monitor_home"]


def test_the_upgrade_needs_the_first_two_tests_after_the_contacts_own_clock() -> None:
    link = (exposed(1, "B", 2), exposed(2, "A", 3, "secondary", "B"))
    before = item(3, "B", "test", 1, result="positive", method="pcr")
    negative = [item(4 + n, "B", "test", 3 + n, result="negative", method="pcr") for n in range(2)]
    third = item(9, "B", "test", 6, result="positive", method="pcr")
    assert on_day(8, *link, before, *negative, third).orders[0].rule == "contact-of-contact"
    assert on_day(8, *link, before, negative[0], third).orders[0].rule == "contact"


def test_an_exemption_suspends_and_says_so() -> None:
    contact = exposed(1, "A", 1)
    until = item(2, "A", "exemption", 2, order_kind="quarantine_central", until="2022-07-05")
    now = on_day(3, contact, until)
    assert (now.code, now.orders[0].starts) == (HealthCode.GREEN, date(2022, 7, 6))
    assert now.reasons[-1].rule == "exemption"
    assert now.next_change_at == datetime(2022, 7, 5, 16, tzinfo=UTC)
    assert on_day(6, contact, until).code is HealthCode.RED
    assert "Evidence: 1" in explain_decision(load_book("covid19-cn-9"), now, "en")[0]
    assert "集中隔离，2022-07-06至2022-07-08 24时。" in explain_decision(load_book("covid19-cn-9"), now, "zh-Hans")[0]


def test_a_case_tested_again_gets_one_order() -> None:
    ill = item(1, "A", "diagnosis", 1, classification="confirmed")
    again = item(2, "A", "test", 4, result="positive", method="pcr")
    assert [order.rule for order in on_day(5, ill, again).orders] == ["case"]


def test_tables_decide_origins_and_are_named_in_the_decision() -> None:
    tables = Tables(
        "r3",
        origin_risk=(RiskRow("410100", "high", date(2022, 7, 1), date(2022, 7, 5), "cdc", "list"),),
        risk_areas=(RiskRow("410105", "low", date(2022, 7, 1), None, "cdc", "list"),),
    )
    assert origin_class(tables, "410105", date(2022, 7, 2)) == "high"
    assert origin_class(tables, "410105", date(2022, 7, 6)) == "low"
    assert origin_class(tables, "410200", date(2022, 7, 2)) is None
    assert [origin_class(tables, place, NOON.date()) for place in ("US", "810000", "CN", "")] == [
        "abroad", "abroad", None, None,
    ]  # fmt: skip
    assert area_risk(tables, "410105001", NOON.date()) == "low"
    arrived = item(1, "A", "arrival", 3, origin_area="410105")
    assert on_day(4, arrived, tables=tables).orders[0].rule == "from-high-risk"
    assert on_day(4, arrived, tables=tables).tables == "r3"
    assert on_day(4, arrived).orders == ()


def test_chains_and_circles_of_voids() -> None:
    assert voided_keys([("b", "a")]) == {"a"}
    assert voided_keys([("b", "a"), ("c", "b")]) == {"b"}
    assert voided_keys([("b", "a"), ("c", "b"), ("d", "c")]) == {"a", "c"}
    assert voided_keys([("a", "a"), ("x", "y"), ("y", "x")]) == {"a", "x", "y"}
    assert voided_keys([("x", "y"), ("y", "x"), ("z", "x")]) == {"x"}


@pytest.mark.parametrize(
    ("old", "new", "rule", "message"),
    [
        ("tests = [1, 4, 7]", "tests = [1, 4, 9]", "contact-of-contact", "test day 9 lies outside"),
        ('clock = "last"', 'clok = "last"', "contact", "unknown key `clok`"),
        ('class = ["secondary"]', 'class = ["second"]', "contact-of-contact", "'second'"),
        ('kind = "monitor_home"', 'kind = "monitor"', "contact", "`kind` is 'monitor'"),
        ('of = "contact", upgrade', 'of = "contacts", upgrade', "contact-of-contact", "'contacts'"),
        ('id = "from-low-risk"', 'id = "from-high-risk"', "from-high-risk", "there twice"),
        ("latest_day = 10", "latest_day = 5", "contact-of-contact", "lies before `until_day`"),
        ('source = "9th edition, management of arrivals"', "", "arrival-abroad", "`source` is missing"),
        ("starts = 2022-07-02, until = 2022-07-08", "starts = 2022-07-03", "examples", "a contact on day 3"),
        ('time_zone = "Asia/Shanghai"', 'time_zone = "Asia/Nowhere"', "", "no time zone"),
        ('policy = "new_rule"', 'policy = "as_we_like"', "", "`policy`"),
        ("until_day = 3\n", "until_day = 3 days\n", "", "not TOML"),
    ],
)
def test_problems_name_file_line_and_rule(tmp_path: Path, old: str, new: str, rule: str, message: str) -> None:
    assert old in NINE
    path = tmp_path / "book.toml"
    path.write_text(NINE.replace(old, new, 1), encoding="utf-8")
    problems = check_book(path)
    found = [problem for problem in problems if message in problem.message]
    assert found, problems
    assert (found[0].file, found[0].rule) == ("book.toml", rule)
    changed = NINE[: NINE.index(old)].count("\n") + 1
    if new and rule != "examples":
        assert abs(found[0].line - changed) <= 3
    with pytest.raises(BadInput, match=r"book.toml, line \d+"):
        load_book(path)


def test_one_slip_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "book.toml"
    place = NINE.index("until_day = 7", NINE.index('id = "contact-of-contact"'))
    line = NINE[:place].count("\n") + 1
    path.write_text(NINE[:place] + "until_dya = 7" + NINE[place + len("until_day = 7") :], encoding="utf-8")
    told = [(problem.line, problem.rule, problem.message.split(" (")[0]) for problem in check_book(path)]
    assert told == [
        (line, "contact-of-contact", "unknown key `until_dya`"),
        (line - 2, "contact-of-contact", "`until_day` is missing or not a whole number of at least 0"),
    ]


def test_a_book_without_examples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.toml"
    path.write_text(NINE[: NINE.index("[[examples]]")], encoding="utf-8")
    assert [problem.message for problem in check_book(path)] == [
        "the book has no example: a book without one is refused"
    ]


def test_a_layer_extends_replaces_and_removes(tmp_path: Path) -> None:
    path = tmp_path / "layer.toml"
    head = (BOOKS / "covid19-cn-9-henan.toml").read_text(encoding="utf-8")
    extends = 'extends = "covid19-cn-9"'
    path.write_text(head.replace(extends, f'{extends}\nremoves = ["symptoms"]'), "utf-8")
    layer, national = load_book(path), load_book("covid19-cn-9")
    assert {rule.id for rule in national.rules} - {rule.id for rule in layer.rules} == {"symptoms"}
    assert layer.rule("contact") == national.rule("contact")
    assert layer.rule("from-medium-risk").orders[0].code is HealthCode.YELLOW
    assert layer.effective_from == national.effective_from
    path.write_text(head.replace('extends = "covid19-cn-9"', 'extends = "nowhere"'), "utf-8")
    assert "no rulebook nowhere" in check_book(path)[0].message


@pytest.mark.parametrize("book_id", shipped_books())
def test_shipped_books_explain_themselves(book_id: str) -> None:
    book = load_book(book_id)
    assert check_book(BOOKS / f"{book_id}.toml") == []
    for language in ("en", "zh-Hans"):
        text = explain_book(book, language)
        assert all(rule.words.say(language) in text and rule.authority in text for rule in book.rules)


def test_no_such_book() -> None:
    with pytest.raises(BadInput, match=r"no rulebook nope.*covid19-cn-9"):
        load_book("nope")
