"""Nothing, of any layer, can set a colour: tried through services, forms, files and SQL."""

import inspect
import json
from datetime import datetime

import pytest
from django.db import connection
from tests.cast import Cast

from qipan.rooms.control import models, selectors, services
from qipan.rooms.control.models import Order, StoredDecision
from qipan.rooms.control.services import decisions_refresh, evidence_record
from qipan.rooms.control.tests.stories import days, diagnosed, exposed, open_orders
from qipan.terms.errors import BadInput, Refused
from qipan.terms.evidence import VALUE_KEYS, EvidenceKind
from qipan.terms.roles import SYSTEM_ACTOR, Permission

pytestmark = pytest.mark.django_db
COLOURS = {"green", "yellow", "red"}


def test_no_service_takes_a_colour_or_an_order() -> None:
    for name in services.__all__:
        function = getattr(services, name)
        if inspect.isfunction(function):
            parameters = set(inspect.signature(function).parameters)
            assert not parameters & {"code", "colour", "color", "health_code", "orders", "order_kind"}, name


def test_no_permission_and_no_column_holds_a_colour() -> None:
    assert not [p for p in Permission if "code" in p.value or "colour" in p.value]
    for model in (models.Evidence, models.Order, models.StoredDecision, models.Appeal):
        for field in model._meta.get_fields():
            assert field.name not in {"code", "colour", "color", "health_code"}


def test_no_evidence_kind_states_a_colour(town: Cast, at: datetime) -> None:
    assert "code" not in {kind.value for kind in EvidenceKind}
    for required, optional in VALUE_KEYS.values():
        assert not {*required, *optional} & {"code", "colour", "order", "orders"}
    with pytest.raises(BadInput):
        evidence_record(
            actor=town.alice, person_id=town.xia, kind=EvidenceKind.SYMPTOM, at=at,
            value={"symptoms": ["fever"], "code": "red"}, source="x", now=at,
        )  # fmt: skip
    with pytest.raises(Refused):
        evidence_record(
            actor=town.alice, person_id=town.xia, kind=EvidenceKind.EXEMPTION, at=at,
            value={"order_kind": "isolate", "until": "2022-08-01"}, source="x", now=at,
        )  # fmt: skip


def _sql(statement: str, parameters: list[object] | None = None) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or [])
        return cursor.rowcount


def test_sql_turns_nobody_red(town: Cast, at: datetime) -> None:
    # zhu has nothing to his name; somebody with database access wants him red
    content = json.dumps({"code": "red", "orders": [], "reasons": []})
    _sql(
        "INSERT INTO control_storeddecision (person_id, disease, rulebook, tables, moment, content, stale, ledger, "
        "seal) VALUES (%s, 'covid19', 'covid19-cn-9', '0', %s, %s, %s, '', %s)",
        [town.zhu, str(at), content, False, b"0" * 32],
    )
    read = selectors.decision_of(town.alice, town.zhu, at=at)
    assert read.code == "green"
    assert not read.stored
    assert selectors.codes_count(town.alice, at=at, persons=5)["red"] == 0
    assert selectors.reconcile_ledger().decisions == (town.zhu,)
    # and the cycle puts it right
    decisions_refresh(actor=SYSTEM_ACTOR, at=at, person_ids=[town.zhu])
    assert selectors.reconcile_ledger().agrees


def test_sql_turns_nobody_green_or_longer_red(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    row = StoredDecision.objects.get(person_id=town.xia)
    forged = json.dumps({**row.content, "code": "green"})
    assert _sql("UPDATE control_storeddecision SET content = %s WHERE person_id = %s", [forged, town.xia]) == 1
    assert selectors.decision_of(town.alice, town.xia, at=at).code == "red"
    _sql("UPDATE control_storeddecision SET next_change_at = NULL WHERE person_id = %s", [town.xia])
    for day in (0, 40):
        expected = "red" if day == 0 else "green"
        assert selectors.decision_of(town.alice, town.xia, at=at + days(day)).code == expected


def test_an_order_written_or_lengthened_by_sql_binds_nobody(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    order = open_orders(town.xia)[0]
    longer = order.ends_at + days(90)
    _sql("UPDATE control_order SET ends_at = %s WHERE id = %s", [str(longer), order.pk])
    assert order.pk not in {fact.order_id for fact in selectors.order_facts(town.alice, at=at + days(50))}
    assert selectors.forged_orders() == [order.pk]
    assert selectors.decision_of(town.alice, town.xia, at=at + days(50)).code == "green"


def test_somebody_elses_order_copied_to_a_person_binds_him_not(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    values = Order.objects.values().first()
    assert values is not None
    copy = Order(**{**values, "id": None, "person_id": town.zhu})
    Order.objects.bulk_create([copy])
    assert town.zhu not in {fact.person_id for fact in selectors.order_facts(town.alice, at=at)}
    assert selectors.decision_of(town.alice, town.zhu, at=at).code == "green"


def test_an_old_sealed_row_put_back_colours_nobody(town: Cast, at: datetime) -> None:
    # xia was red, and rightly; the diagnosis was then taken back; somebody puts the sealed rows back
    recorded = diagnosed(town.ning, town.xia, now=at)
    decision = StoredDecision.objects.values().get(person_id=town.xia)
    orders = list(Order.objects.filter(person_id=town.xia).values())
    services.evidence_void(actor=town.ning, evidence_id=recorded.evidence_id, reason="mixed up", now=at + days(1))
    StoredDecision.objects.filter(person_id=town.xia).update(**{k: v for k, v in decision.items() if k != "id"})
    for values in orders:
        Order.objects.filter(pk=values["id"]).update(**{k: v for k, v in values.items() if k != "id"})
    assert selectors.forged_orders() == []  # every seal holds
    later = at + days(1.5)
    assert selectors.decision_of(town.alice, town.xia, at=later).code == "green"
    assert selectors.order_facts(town.alice, at=later) == []
    decisions_refresh(actor=SYSTEM_ACTOR, at=later, person_ids=[town.xia])
    assert open_orders(town.xia) == []


def test_evidence_slipped_in_by_sql_is_found(town: Cast, at: datetime) -> None:
    exposed(town.alice, town.xia, last=at - days(1), now=at)
    known = models.Evidence.objects.get()
    for number, write_id in enumerate([known.write_id, "f" * 32]):
        models.Evidence.objects.bulk_create(
            [
                models.Evidence(
                    key=bytes([number]) * 16, disease="covid19", person_id=town.zhu, kind="diagnosis", at=at,
                    recorded_at=at, value={"classification": "confirmed"}, source="nobody", write_id=write_id,
                )
            ]
        )  # fmt: skip
    found = selectors.reconcile_ledger().evidence
    assert found.without_entry == ["f" * 32]
    assert found.count_differs == [known.write_id]


def test_without_a_book_in_force_nobody_is_restricted(cast: Cast, at: datetime) -> None:
    exposed(cast.alice, cast.xia, last=at - days(1), now=at)
    assert open_orders(cast.xia) == []
    assert selectors.decision_of(cast.alice, cast.xia, at=at).code == "green"
