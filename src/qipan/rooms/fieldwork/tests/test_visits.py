"""Visits: recorded once, with their evidence and what follows, by those who may, and nobody else."""

from datetime import timedelta

import pytest
from tests.cast import TODAY
from tests.orders import close, order_of

from qipan.foundation.audit.models import AuditEntry
from qipan.rooms.control.models import Evidence, Order
from qipan.rooms.control.selectors import reconcile_ledger
from qipan.rooms.fieldwork import selectors, services
from qipan.rooms.fieldwork.models import Visit
from qipan.rooms.fieldwork.services import NewVisit
from qipan.terms.errors import Absent, BadInput, Conflict, Denied, Refused
from qipan.terms.evidence import FollowUpOutcome, OrderKind

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WELL, ILL, AWAY, NO = (
    FollowUpOutcome.WELL,
    FollowUpOutcome.SYMPTOMATIC,
    FollowUpOutcome.NOT_FOUND,
    FollowUpOutcome.REFUSED,
)
HOME = OrderKind.QUARANTINE_HOME


@pytest.fixture
def order(cast, at):
    return order_of(cast.xia, HOME, at=at - 2 * HOUR)


def visit(actor, order, at, outcome=WELL, key="k1", **changes):
    values = {
        "order_id": order.pk,
        "due_on": selectors.local(at).date(),
        "outcome": outcome,
        "client_key": key,
        "visited_at": at,
        "now": at + timedelta(minutes=1),
    }
    return services.visit_record(actor=actor, **(values | changes))


def test_a_visit_leaves_evidence_and_an_entry(cast, at, order):
    stored = visit(cast.chen, order, at, temperature=36.6)
    assert (stored.person_id, stored.outcome, stored.again_on, stored.passed_to) == (cast.xia, "well", None, "")
    fact = Evidence.objects.get(key=stored.evidence_key)
    assert (fact.kind, fact.value, fact.recorded_by) == (
        "follow_up",
        {"outcome": "well", "temperature": 36.6},
        cast.chen.user_id,
    )
    entry = AuditEntry.objects.get(action="visit.record")
    assert (entry.actor_label, entry.write_id, entry.detail["outcome"]) == ("chen", fact.write_id, "well")
    assert not reconcile_ledger().evidence.content_differs
    assert fact.write_id not in reconcile_ledger().evidence.without_entry


@pytest.mark.parametrize("who", ["alice", "bob", "gao", "eva", "lin", "ning", "qiu"])
def test_others_who_see_the_order_may_not_record(cast, at, order, who):
    with pytest.raises(Denied):
        visit(cast.actors[who], order, at)
    assert not Visit.objects.exists()


@pytest.mark.parametrize("who", ["dora", "fang", "hu", "ma"])
def test_to_others_the_order_is_absent(cast, at, order, who):
    with pytest.raises(Absent):
        visit(cast.actors[who], order, at)


def test_a_grid_worker_has_no_business_in_the_next_village(cast, at):
    other = order_of(cast.zhu, HOME, at=at)
    with pytest.raises(Absent):
        visit(cast.chen, other, at)


def test_the_same_visit_twice_is_one(cast, at, order):
    first = visit(cast.chen, order, at)
    entries = AuditEntry.objects.count()
    assert visit(cast.chen, order, at, now=at + DAY) == first
    assert (Visit.objects.count(), Evidence.objects.filter(kind="follow_up").count()) == (1, 1)
    assert AuditEntry.objects.count() == entries
    for changes in ({"outcome": AWAY}, {"at": at - HOUR}):
        with pytest.raises(Conflict):
            visit(cast.chen, order, **({"at": at} | changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"client_key": ""},
        {"client_key": "x" * 65},
        {"due_on": TODAY - DAY},
        {"temperature": 54.0},
        {"outcome": ILL},
        {"symptoms": ["cough"]},
        {"now": None},
    ],
)
def test_what_cannot_be(cast, at, order, changes):
    if "now" in changes:
        changes = {"now": at - HOUR}
    with pytest.raises(BadInput):
        visit(cast.chen, order, at, **changes)
    assert not Evidence.objects.filter(kind="follow_up").exists()


def test_only_orders_at_home_while_they_are_in_force(cast, at, order):
    for kind in (OrderKind.QUARANTINE_CENTRAL, OrderKind.ISOLATE, OrderKind.TEST):
        with pytest.raises(Refused):
            visit(cast.chen, order_of(cast.wei, kind, at=at), at)
    with pytest.raises(Refused):
        visit(cast.chen, order, order.ends_at)
    with pytest.raises(Refused):
        visit(cast.chen, order_of(cast.wei, HOME, at=at, starts_on=TODAY + DAY), at)
    # the visit was made while it was in force and is sent when it no longer is
    close(order, at + HOUR)
    assert visit(cast.chen, order, at, now=at + 2 * HOUR)
    with pytest.raises(Refused):
        visit(cast.chen, order, at + 2 * HOUR, key="k2")


def replaced(order, at, kind=HOME):
    """The order that takes another's place at a moment, as a new decision does."""
    close(order, at, "replaced")
    return order_of(order.person_id, kind, at=at)


@pytest.mark.parametrize("kind", [HOME, OrderKind.MONITOR_HOME])
def test_a_visit_for_an_order_replaced_meanwhile_counts_for_the_new_one(cast, at, order, undecided, kind):
    new = replaced(order, at, kind)
    sent = {"outcome": ILL, "symptoms": ["fever"], "key": "ill"}
    stored = visit(cast.chen, order, at + HOUR, **sent)
    assert (stored.person_id, stored.order_id, stored.outcome) == (cast.xia, new.pk, "symptomatic")
    assert Evidence.objects.filter(person_id=cast.xia, kind="symptom").count() == 1
    assert AuditEntry.objects.get(action="visit.record").detail["order"] == new.pk
    # sent again it is known, by whichever order
    assert visit(cast.chen, order, at + HOUR, **sent) == stored == visit(cast.chen, new, at + HOUR, **sent)
    # one that was made before stays with the order of its moment
    assert visit(cast.chen, order, at - HOUR, key="before").order_id == order.pk


def test_the_order_of_the_same_kind_takes_the_visit(cast, at, order, undecided):
    order_of(cast.xia, OrderKind.MONITOR_HOME, at=at - HOUR)
    monitor = order_of(cast.xia, OrderKind.MONITOR_HOME, at=at - HOUR)
    new = replaced(monitor, at, OrderKind.MONITOR_HOME)
    done = services.visits_record_bulk(actor=cast.chen, visits=[news(monitor, at + HOUR, 1)], now=at + 2 * HOUR)
    (stored,) = done.recorded
    assert stored.order_id != order.pk
    assert Order.objects.get(pk=stored.order_id).kind == new.kind


def test_no_other_persons_and_no_other_times_order_takes_the_visit(cast, at, order, undecided):
    order_of(cast.yun, HOME, at=at)
    order_of(cast.xia, OrderKind.QUARANTINE_CENTRAL, at=at)
    close(order, at, "replaced")
    with pytest.raises(Refused):
        visit(cast.chen, order, at + HOUR)
    # known only later, although it says that it binds since the morning
    order_of(cast.xia, HOME, at=at + 2 * HOUR)
    with pytest.raises(Refused):
        visit(cast.chen, order, at + HOUR)
    # and the right to see and record is asked as before
    replaced(order, at)
    with pytest.raises(Denied):
        visit(cast.bob, order, at + HOUR)
    with pytest.raises(Absent):
        visit(cast.dora, order, at + HOUR)
    assert not Visit.objects.exists()


def test_three_closed_doors_go_to_the_tracer(cast, at, order, undecided):
    made = [
        visit(cast.chen, order, at + offset, AWAY, key=f"k{n}")
        for n, offset in enumerate((timedelta(0), 2 * HOUR, 20 * HOUR))
    ]
    assert [v.passed_to for v in made] == ["", "", "tracer"]
    assert [v.again_on for v in made] == [TODAY, TODAY + DAY, TODAY + DAY]
    assert [v.person_id for v in selectors.passed_on(cast.alice, TODAY + DAY, "tracer")] == [cast.xia]
    assert selectors.passed_on(cast.dora, TODAY + DAY, "tracer") == []
    visit(cast.chen, order, at + 22 * HOUR, WELL, key="found")
    assert selectors.passed_on(cast.alice, TODAY + DAY, "tracer") == []


def test_a_refusal_goes_to_the_supervisor_with_its_evidence(cast, at, order):
    stored = visit(cast.chen, order, at, NO)
    assert (stored.passed_to, stored.again_on) == ("supervisor", TODAY + DAY)
    assert Evidence.objects.get(key=stored.evidence_key).value == {"outcome": "refused"}
    assert [v.pk for v in selectors.passed_on(cast.qiu, TODAY, "supervisor")] == [stored.pk]


def test_symptoms_lead_to_a_test_order_at_once(town, at):
    from qipan.rooms.control.services import evidence_record
    from qipan.terms.evidence import EvidenceKind

    value = {"first": "2022-07-19", "last": "2022-07-19", "setting": "household", "class": "secondary"}
    evidence_record(
        actor=town.alice, person_id=town.xia, kind=EvidenceKind.EXPOSURE, at=at - 20 * HOUR, value=value,
        source="tracing", now=at - HOUR, linked_person_id=town.wei,
    )  # fmt: skip
    home = Order.objects.get(person_id=town.xia, kind="quarantine_home", closed_at=None)
    visit(town.chen, home, at, WELL, key="well")
    assert not Order.objects.filter(person_id=town.xia, kind="test").exists()
    visit(town.chen, home, at + HOUR, ILL, key="ill", symptoms=["fever"], temperature=38.2)
    test = Order.objects.get(person_id=town.xia, kind="test", closed_at=None)
    assert set(Evidence.objects.filter(person_id=town.xia).values_list("kind", flat=True)) == {
        "exposure", "follow_up", "symptom",
    }  # fmt: skip
    assert {i.task for i in selectors.work_list(town.chen, TODAY)} == {"test"}
    assert test.opened_at == at + HOUR + timedelta(minutes=1)
    assert reconcile_ledger().agrees


def news(order, at, n, outcome=WELL, **changes):
    values = {"due_on": selectors.local(at).date(), "visited_at": at, "outcome": outcome} | changes
    return NewVisit(client_key=f"phone-{n}", order_id=order.pk, **values)


def test_a_phone_sends_its_day_and_sends_it_again(cast, at):
    orders = [order_of(person, HOME, at=at - HOUR) for person in (cast.xia, cast.yun, cast.wei)]
    foreign = order_of(cast.tao, HOME, at=at - HOUR)
    day = [
        news(orders[0], at, 0),
        news(orders[1], at, 1, AWAY),
        news(orders[1], at + HOUR, 2, AWAY),
        news(orders[2], at, 3, ILL, symptoms=("cough",)),
        news(foreign, at, 4),
        news(orders[2], at, 5, ILL),
        # the phone's own repetition within one list
        news(orders[0], at, 0),
    ]
    done = services.visits_record_bulk(actor=cast.chen, visits=day, now=at + 2 * HOUR)
    assert [v.client_key for v in done.recorded] == ["phone-0", "phone-1", "phone-3", "phone-2"]
    assert [(key, type(error)) for key, error in done.refused] == [("phone-4", Absent), ("phone-5", BadInput)]
    again = services.visits_record_bulk(actor=cast.chen, visits=day, now=at + 3 * HOUR)
    assert (again.recorded, len(again.refused)) == ((), 2)
    assert {v.client_key for v in again.known} == {f"phone-{n}" for n in range(4)}
    assert Visit.objects.count() == 4
    assert Evidence.objects.filter(kind="follow_up").count() == 4
    assert Evidence.objects.filter(kind="symptom").count() == 1
    assert AuditEntry.objects.filter(action="visit.record_bulk").count() == 1


@pytest.mark.parametrize("who", ["alice", "bob", "gao", "fang", "ma", "qiu"])
def test_nobody_else_sends_lists(cast, at, order, who):
    with pytest.raises(Denied):
        services.visits_record_bulk(actor=cast.actors[who], visits=[news(order, at, 1)], now=at)


def test_a_list_is_recorded_whole_or_not_at_all(cast, at, order, monkeypatch):
    def broken(**_):
        raise RuntimeError("the power went")

    monkeypatch.setattr(services, "decisions_refresh", broken)
    with pytest.raises(RuntimeError):
        services.visits_record_bulk(actor=cast.chen, visits=[news(order, at, 1)], now=at)
    assert not Visit.objects.exists()
    assert not Evidence.objects.filter(kind="follow_up").exists()


@pytest.mark.parametrize(("who", "sees"), [("chen", 1), ("qiu", 1), ("alice", 1), ("dora", 0), ("ma", 0), ("bob", 0)])
def test_who_sees_visits(cast, at, order, who, sees):
    stored = visit(cast.chen, order, at)
    actor = cast.actors[who]
    assert selectors.list_visits(actor, day=TODAY).count() == sees
    if sees:
        assert selectors.access_visit(actor, stored.pk) == stored
    else:
        with pytest.raises(Absent):
            selectors.access_visit(actor, stored.pk)
