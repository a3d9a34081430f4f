"""A new edition, a revised table: what was decided before is decided again, from the day it holds."""

from datetime import UTC, date, datetime

import pytest
from tests.cast import Cast

from qipan.rooms.control import selectors
from qipan.rooms.control.models import Order, StoredDecision
from qipan.rooms.control.services import decisions_refresh, evidence_record
from qipan.rooms.control.tests.stories import days, exposed, open_orders
from qipan.rooms.diseases.services import table_row_add
from qipan.terms.errors import Absent
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import SYSTEM_ACTOR, Actor, Grant, Role

pytestmark = pytest.mark.django_db
ROOT = Actor(None, None, (Grant(Role.ADMINISTRATOR, "/"),), "installation")


def test_the_twenty_measures_shorten_what_the_ninth_ordered(town: Cast) -> None:
    # last exposure 8 November: the 9th edition says central through the 15th, the twenty measures through the 13th
    before = datetime(2022, 11, 9, 4, tzinfo=UTC)
    exposed(town.alice, town.xia, last=before - days(1), now=before)
    central = open_orders(town.xia)[0]
    assert (central.rulebook, central.until) == ("covid19-cn-9", date(2022, 11, 15))
    eve = datetime(2022, 11, 10, 15, 59, tzinfo=UTC)
    assert selectors.decision_of(town.alice, town.xia, at=eve).rulebook == "covid19-cn-9"
    # midnight in Shanghai, with nobody having run anything: the new book is read at once
    midnight = datetime(2022, 11, 10, 16, 0, tzinfo=UTC)
    read = selectors.decision_of(town.alice, town.xia, at=midnight)
    assert (read.rulebook, read.stored) == ("covid19-cn-20", False)
    decisions_refresh(actor=SYSTEM_ACTOR, at=midnight)
    new = open_orders(town.xia)[0]
    assert (new.rulebook, new.until) == ("covid19-cn-20", date(2022, 11, 13))
    assert Order.objects.get(pk=central.pk).closed_as == "replaced"
    assert new.replaces_id == central.pk


def test_a_revised_risk_area_reaches_those_who_came_from_there(town: Cast, at: datetime) -> None:
    evidence_record(
        actor=town.alice, person_id=town.xia, kind=EvidenceKind.ARRIVAL, at=at - days(1),
        value={"origin_area": "310115"}, source="station", now=at,
    )  # fmt: skip
    assert open_orders(town.xia) == []
    table_row_add(
        actor=ROOT, disease="covid19", table="origin_risk", place="310115", level="high",
        starts_on=date(2022, 7, 15), ends_on=None, author="headquarters", source="notice 3", at=at,
    )  # fmt: skip
    read = selectors.decision_of(town.alice, town.xia, at=at)
    assert (read.code, read.tables) == ("red", "1")
    # whoever has no stored decision yet is found by the cycle, too
    StoredDecision.objects.all().delete()
    decisions_refresh(actor=SYSTEM_ACTOR, at=at)
    assert [order.kind for order in open_orders(town.xia)] == ["quarantine_central"]


def test_one_appeal_is_seen_where_it_belongs(town: Cast, at: datetime) -> None:
    from qipan.rooms.control.services import appeal_open

    exposed(town.alice, town.xia, last=at - days(1), now=at)
    appeal = appeal_open(actor=town.bob, order_id=open_orders(town.xia)[0].pk, grounds="No.", at=at)
    assert selectors.access_appeal(town.lin, appeal.pk) == appeal
    with pytest.raises(Absent):
        selectors.access_appeal(town.dora, appeal.pk)
