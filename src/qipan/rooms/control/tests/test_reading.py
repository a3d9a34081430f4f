"""What the pages read of the ledger: by whoever may see it, and by nobody else."""

from datetime import timedelta

import pytest

from qipan.rooms.control.models import Evidence, Order
from qipan.rooms.control.selectors import access_order, courses_of, foresight_of, ledger_line, ledger_of, orders_of
from qipan.rooms.control.selectors.orders import order_history
from qipan.rooms.control.services import evidence_record, evidence_void
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceKind, HealthCode

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def order(town, at):
    """Xia is isolated by a diagnosis."""
    evidence_record(
        actor=town.ning, person_id=town.xia, kind=EvidenceKind.DIAGNOSIS, at=at - HOUR,
        value={"classification": "confirmed"}, source="hospital", now=at,
    )  # fmt: skip
    return Order.objects.get(person_id=town.xia)


def test_the_ledger_is_read_where_the_person_lives(town, order, at):
    (line,) = ledger_of(town.alice, town.xia)
    assert line.evidence.pk == order.evidence_id
    assert ledger_of(town.dora, town.xia) == []
    assert ledger_of(town.chen, town.xia) == []  # a grid worker sees orders, not the facts behind them
    evidence_void(actor=town.alice, evidence_id=order.evidence_id, reason="mixed up", now=at)
    fact = Evidence.objects.get(pk=order.evidence_id)
    assert (ledger_line(town.alice, fact).void.kind, ledger_line(town.alice, fact).why) == ("correction", "mixed up")
    assert len(ledger_of(town.alice, town.xia)) == 2


def test_orders_of_a_person_and_how_they_came_to_be(town, order):
    assert orders_of(town.alice, town.xia) == [order]
    assert orders_of(town.dora, town.xia) == []
    assert [each.what for each in order_history(town.alice, order)][-1] == "opened"
    with pytest.raises(Absent):
        access_order(town.dora, order.pk)


def test_what_would_change_a_decision_is_asked_of_the_rulebook_and_stored_nowhere(town, order, at):
    before = Evidence.objects.count()
    foresight = foresight_of(town.alice, town.xia, at=at)
    courses = courses_of(town.alice, town.xia, at=at)
    assert foresight.decide().code is HealthCode.RED
    assert {course.code for course in courses} >= {HealthCode.RED}
    taken_back = [course for course in courses if course.evidence == order.evidence_id]
    assert [course.code for course in taken_back] == [HealthCode.GREEN]
    assert Evidence.objects.count() == before
    with pytest.raises(Absent):
        foresight_of(town.dora, town.xia, at=at)
    with pytest.raises(Absent):
        courses_of(town.dora, town.xia, at=at)
