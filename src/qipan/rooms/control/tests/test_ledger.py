"""Facts in, decisions and orders out: one at a time and many at once, allowed and denied."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from tests.cast import Cast

from qipan.foundation.audit.models import AuditEntry
from qipan.foundation.audit.reasons import open_reason
from qipan.foundation.audit.services import audited
from qipan.rooms.control import selectors
from qipan.rooms.control.models import Evidence, Order, StoredDecision
from qipan.rooms.control.services import (
    NewEvidence,
    decisions_rebuild,
    decisions_refresh,
    evidence_add,
    evidence_key,
    evidence_record,
    evidence_void,
)
from qipan.rooms.control.tests.stories import days, diagnosed, exposed, open_orders, swabbed
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, Refused
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

pytestmark = pytest.mark.django_db


def test_a_close_contact_goes_into_quarantine_at_once(town: Cast, at: datetime) -> None:
    recorded = exposed(town.alice, town.xia, last=at - days(1), now=at)
    assert recorded.new
    first, second = open_orders(town.xia)
    assert (first.kind, second.kind) == ("quarantine_central", "monitor_home")
    # 9th edition: seven days from the last exposure, 19 July
    assert first.until.isoformat() == "2022-07-26"
    assert first.starts_on.isoformat() == "2022-07-20"
    assert first.ends_at == datetime(2022, 7, 26, 16, tzinfo=UTC)
    decision = selectors.decision_of(town.alice, town.xia, at=at)
    assert decision.code == "red"
    assert decision.stored


def test_the_fact_its_decision_and_its_entry_are_one_transaction(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    evidence = Evidence.objects.get()
    entry = AuditEntry.objects.get(write_id=evidence.write_id)
    assert entry.action == "evidence.record"
    assert entry.detail["evidence_rows"] == 1
    assert entry.detail["opened"] == {"quarantine_central": 1, "monitor_home": 1}
    assert set(Order.objects.values_list("write_id", flat=True)) == {evidence.write_id}
    assert selectors.reconcile_ledger().agrees


def test_the_same_fact_again_is_the_same_fact(town: Cast, at: datetime) -> None:
    first = exposed(town.alice, town.xia, last=at - days(1), now=at, identity="E1")
    again = exposed(town.alice, town.xia, last=at - days(1), now=at, identity="E1")
    assert (again.evidence_id, again.new) == (first.evidence_id, False)
    assert Evidence.objects.count() == 1
    assert AuditEntry.objects.filter(action="evidence.record").count() == 1
    with pytest.raises(Conflict):
        exposed(town.alice, town.xia, last=at - days(2), now=at, identity="E1")


def test_a_voided_fact_was_never_had(town: Cast, at: datetime) -> None:
    recorded = exposed(town.alice, town.xia, last=at - days(1), now=at)
    evidence_void(actor=town.alice, evidence_id=recorded.evidence_id, reason="another person", now=at + days(1))
    assert open_orders(town.xia) == []
    assert set(Order.objects.values_list("closed_as", flat=True)) == {"released"}
    assert selectors.decision_of(town.alice, town.xia, at=at + days(1)).code == "green"
    with pytest.raises(Refused):
        evidence_void(actor=town.alice, evidence_id=recorded.evidence_id, reason="again", now=at + days(1))


def test_an_order_lapses_by_itself_with_nobody_looking(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    for day in (0, 1, 2, 4, 6):
        swabbed(town.hu, town.xia, "negative", now=at + days(day) + (days(0.1)))
    for day in (9,):
        swabbed(town.hu, town.xia, "negative", now=at + days(day))
    after = at + days(30)
    assert list(selectors.list_orders(town.alice, at=after)) == []
    decision = selectors.decision_of(town.alice, town.xia, at=after)
    assert decision.code == "green"
    assert decision.content["orders"] == []


def test_a_positive_contact_upgrades_those_linked_to_him(town: Cast, at: datetime) -> None:
    # 9th edition: xia is the contact, wei the contact's contact
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    exposed(town.alice, town.wei, last=at - days(1), now=at, to=town.xia, contact_class="secondary")
    assert [order.kind for order in open_orders(town.wei)] == ["quarantine_home"]
    swabbed(town.hu, town.xia, "positive", now=at + days(1))
    assert "quarantine_central" in {order.kind for order in open_orders(town.wei)}


def test_bulk_and_single_give_the_same_decisions_and_orders(town: Cast, at: datetime) -> None:
    people = [town.xia, town.yun, town.wei, town.zhu, town.tao]
    value = {"first": "2022-07-18", "last": "2022-07-19", "setting": "household", "class": "close"}

    def facts(person: int) -> dict[str, object]:
        return {"person_id": person, "kind": EvidenceKind.EXPOSURE, "at": at - days(1), "value": value}

    for person in people:
        evidence_record(
            actor=SYSTEM_ACTOR, source="single", now=at, identity=str(person), **facts(person)
        )  # type: ignore[arg-type]

    def state() -> list[object]:
        fields = ("person_id", "kind", "rule", "starts_on", "until", "latest", "ends_at", "test_days", "review_on")
        return sorted(Order.objects.filter(closed_at=None).values_list(*fields), key=str)

    single = state()
    assert len(single) == 10
    contents = dict(StoredDecision.objects.values_list("person_id", "content"))
    # the population evaluator takes over above a handful of people: force it
    from qipan.rooms.control.selectors import deciding

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(deciding, "FEW", 0)
        refreshed = decisions_rebuild(actor=SYSTEM_ACTOR, at=at)
    assert refreshed.changed == 0
    assert state() == single
    assert dict(StoredDecision.objects.values_list("person_id", "content")) == contents


def test_bulk_evidence_marks_stale_and_reading_decides_again(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    exposed(town.alice, town.wei, last=at - days(1), now=at, to=town.xia, contact_class="secondary")
    exposed(town.alice, town.yun, last=at - days(1), now=at)
    row = NewEvidence(
        key=evidence_key("test", "lab", "S1"), person_id=town.xia, kind=EvidenceKind.TEST, at=at,
        value={"result": "positive", "method": "pcr"},
    )  # fmt: skip
    with audited(actor=town.hu, action="batch.chunk", at=at) as entry:
        detail = evidence_add(
            actor=town.hu, source="lab", batch_id=7, write_id=entry.write_id, recorded_at=at, rows=[row]
        )
        entry.about("batch", 7, area_path="/", detail=detail)
    # his, and that of who is linked to him: the cycle looks for what is stale. Nobody else's
    assert set(StoredDecision.objects.filter(stale=True).values_list("person_id", flat=True)) == {town.xia, town.wei}
    read = selectors.decision_of(town.alice, town.xia, at=at)
    assert not read.stored
    assert "isolate" in {order["kind"] for order in read.content["orders"]}
    assert selectors.reconcile_ledger().agrees
    decisions_refresh(actor=SYSTEM_ACTOR, at=at)
    assert selectors.decision_of(town.alice, town.xia, at=at).stored
    assert "isolate" in {order.kind for order in open_orders(town.xia)}
    assert "quarantine_central" in {order.kind for order in open_orders(town.wei)}


def test_refreshing_twice_changes_and_writes_nothing(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    later = at + days(8)
    decisions_refresh(actor=SYSTEM_ACTOR, at=later)
    entries = AuditEntry.objects.count()
    orders = list(Order.objects.order_by("pk").values())
    again = decisions_refresh(actor=SYSTEM_ACTOR, at=later)
    assert again.changed == 0
    assert AuditEntry.objects.count() == entries
    assert list(Order.objects.order_by("pk").values()) == orders


def test_denied_and_absent_look_alike_and_are_logged(town: Cast, at: datetime) -> None:
    # Dora works in the other county; Eva reads but records nothing; Hu states results and nothing else
    with pytest.raises(Denied) as denied:
        exposed(town.dora, town.xia, last=at - days(1), now=at)
    with pytest.raises(Absent) as absent:
        exposed(town.dora, 999_999, last=at - days(1), now=at)
    assert str(denied.value) == str(absent.value)
    for actor in (town.eva, town.hu, town.ma, town.fang, town.gao):
        with pytest.raises(Denied):
            exposed(actor, town.xia, last=at - days(1), now=at)
    assert Evidence.objects.count() == 0
    assert AuditEntry.objects.filter(action="denied").count() == 6
    swabbed(town.hu, town.xia, "negative", now=at)


def test_reads_are_scoped(town: Cast, at: datetime) -> None:
    recorded = exposed(town.alice, town.xia, last=at - days(1), now=at)
    order = open_orders(town.xia)[0]
    assert selectors.access_evidence(town.alice, recorded.evidence_id).pk == recorded.evidence_id
    assert selectors.access_order(town.alice, order.pk).pk == order.pk
    assert list(selectors.list_evidence(town.eva, town.xia)) != []
    for actor in (town.dora, town.fang, town.ma):
        assert list(selectors.list_evidence(actor, town.xia)) == []
        assert list(selectors.list_orders(actor, at=at)) == []
        with pytest.raises(Absent):
            selectors.access_order(actor, order.pk)
        with pytest.raises(Absent):
            selectors.decision_of(actor, town.xia, at=at)
        with pytest.raises(Absent):
            selectors.access_evidence(actor, recorded.evidence_id)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (EvidenceKind.TEST, {"result": "positive"}),
        (EvidenceKind.TEST, {"result": "positive", "method": "pcr", "colour": "red"}),
        (EvidenceKind.EXPOSURE, {}),
    ],
)
def test_values_fit_their_kind(town: Cast, at: datetime, kind: EvidenceKind, value: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        evidence_record(
            actor=town.alice, person_id=town.xia, kind=kind, at=at, value=value, source="x", now=at
        )


def test_nothing_comes_from_the_future(town: Cast, at: datetime) -> None:
    diagnosed_tomorrow = at + days(1)
    with pytest.raises(BadInput):
        evidence_record(
            actor=town.alice, person_id=town.xia, kind=EvidenceKind.DIAGNOSIS, at=diagnosed_tomorrow,
            value={"classification": "confirmed"}, source="x", now=at,
        )  # fmt: skip


def test_evidence_is_append_only_in_the_database(town: Cast, at: datetime) -> None:
    diagnosed(town.ning, town.xia, now=at)
    for statement in ("UPDATE control_evidence SET kind = 'recovery'", "DELETE FROM control_evidence"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert Evidence.objects.get().kind == "diagnosis"


def _insert(table: str, values: dict[str, object]) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        marks = ", ".join(["%s"] * len(values))
        cursor.execute(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})", list(values.values()))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("rule", ""), ("rulebook", ""), ("authority", ""), ("appeal_to", ""), ("evidence_id", None), ("until", None),
        ("starts_on", None), ("review_on", None), ("ends_at", None), ("until", "2022-07-01"), ("kind", "detain"),
        ("review_on", "2023-01-01"),
    ],
)  # fmt: skip
def test_the_database_refuses_an_order_without_its_grounds(
    town: Cast, at: datetime, column: str, value: object
) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    good = Order.objects.values().first()
    assert good is not None
    good = {
        **good, "id": good["id"] + 1000, "rule": "another", "grounds": "{}", "test_days": "[]", "write_id": "x" * 32,
        "starts_at": str(good["starts_at"]), "ends_at": str(good["ends_at"]), "opened_at": str(good["opened_at"]),
        "fulfil_by": None, "seal": bytes(good["seal"]),
    }  # fmt: skip
    with pytest.raises(IntegrityError):
        _insert("control_order", {**good, column: value})
    _insert("control_order", good)  # with everything there it is a row, if an unsealed one


def test_a_clock_set_back_releases_nobody(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    orders = open_orders(town.xia)
    # as of two days ago nothing was known: deciding then would take the orders for unfounded
    for act in (
        lambda: decisions_refresh(actor=SYSTEM_ACTOR, at=at - days(2)),
        lambda: decisions_rebuild(actor=SYSTEM_ACTOR, at=at - days(2)),
        lambda: swabbed(town.hu, town.xia, "negative", now=at - days(2)),
    ):
        with pytest.raises(Refused, match="clock"):
            act()
    assert open_orders(town.xia) == orders
    # a minute's difference between two machines is no fault: the later moment counts
    swabbed(town.hu, town.xia, "negative", now=at - timedelta(minutes=1))
    assert open_orders(town.xia) == orders


def test_a_correction_is_its_own_act_with_its_own_right(town: Cast, at: datetime) -> None:
    recorded = diagnosed(town.ning, town.xia, now=at)
    with pytest.raises(Refused):
        evidence_record(
            actor=town.alice, person_id=town.xia, kind=EvidenceKind.CORRECTION, at=at, value={}, source="x", now=at
        )
    for actor in (town.bob, town.chen, town.hu, town.fang):
        with pytest.raises((Denied, Absent)):
            evidence_void(actor=actor, evidence_id=recorded.evidence_id, reason="no", now=at)
    assert selectors.decision_of(town.alice, town.xia, at=at).code == "red"
    # only a correction takes something back, says the database
    with pytest.raises(IntegrityError), transaction.atomic():
        Evidence.objects.create(
            key=b"x" * 16, disease="covid19", person_id=town.xia, kind="follow_up", at=at, recorded_at=at, value={},
            source="x", voids_id=recorded.evidence_id, write_id="x",
        )  # fmt: skip


def test_a_void_can_be_voided_and_the_fact_voided_again(town: Cast, at: datetime) -> None:
    recorded = diagnosed(town.ning, town.xia, now=at)
    codes = []
    target = recorded.evidence_id
    for number in range(3):
        void = evidence_void(actor=town.ning, evidence_id=target, reason="mixed up", now=at + days(number / 10))
        codes.append(selectors.decision_of(town.alice, town.xia, at=at + days(number / 10)).code)
        # first the fact, then its correction, then the fact again
        target = void.evidence_id if number == 0 else recorded.evidence_id
    assert codes == ["green", "red", "green"]
    assert selectors.reconcile_ledger().agrees


def test_the_words_of_a_correction_are_sealed_in_the_log(town: Cast, at: datetime) -> None:
    recorded = diagnosed(town.ning, town.xia, now=at)
    words = "Wang Xiaoming 13800138000 was mixed up"
    evidence_void(actor=town.ning, evidence_id=recorded.evidence_id, reason=words, now=at)
    entry = AuditEntry.objects.get(action="evidence.void")
    assert "13800138000" not in str(entry.detail)
    assert open_reason(entry.detail["reason"], write_id=entry.write_id) == words


def test_an_exposure_across_the_border_needs_somebody_to_be_exposed_to(town: Cast, at: datetime) -> None:
    with pytest.raises(Denied):  # zhu is no case
        exposed(town.alice, town.tao, last=at - days(1), now=at, to=town.zhu)
    with pytest.raises(BadInput):
        exposed(town.alice, town.xia, last=at - days(1), now=at, to=town.xia)
    diagnosed(town.ning, town.zhu, now=at)
    exposed(town.alice, town.tao, last=at - days(1), now=at, to=town.zhu)
    assert selectors.decision_of(town.dora, town.tao, at=at).code == "red"


def test_whoever_moved_is_decided_by_the_book_of_the_new_place(town: Cast, at: datetime) -> None:
    from qipan.rooms.diseases.services import rulebook_publish
    from qipan.rooms.persons.services import person_move
    from qipan.rulebooks.loader import book_text

    root = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")
    rulebook_publish(actor=root, text=book_text("covid19-cn-9-henan"), area_path=town.path("411203"), at=at)
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    decisions_refresh(actor=SYSTEM_ACTOR, at=at)
    mover = Actor(None, None, (Grant(Role.EPIDEMIOLOGIST, "/"),), "both counties")
    person_move(actor=mover, person_id=town.xia, area="411203100201", at=at)
    decisions_refresh(actor=SYSTEM_ACTOR, at=at)
    assert {order.rulebook for order in open_orders(town.xia)} == {"covid19-cn-9-henan"}


def test_nothing_binds_a_purged_person(town: Cast, at: datetime) -> None:
    from qipan.rooms.persons.services import person_purge

    exposed(town.alice, town.xia, last=at - days(1), now=at)
    person_purge(actor=town.lin, person_id=town.xia, reason="emergency_ended", at=at)
    decisions_refresh(actor=SYSTEM_ACTOR, at=at)
    assert open_orders(town.xia) == []
