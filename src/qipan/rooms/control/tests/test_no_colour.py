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


def test_no_form_has_a_field_for_a_colour_or_an_order() -> None:
    from qipan.rooms.control import forms as own
    from qipan.rooms.diseases import forms as theirs

    seen = 0
    for module in (own, theirs):
        for form in vars(module).values():
            if inspect.isclass(form) and hasattr(form, "base_fields"):
                seen += 1
                assert not set(form.base_fields) & {"code", "colour", "color", "health_code", "orders"}, form
                for field in form.base_fields.values():
                    assert not {str(key) for key, _ in getattr(field, "choices", ())} & COLOURS, form
    assert seen >= 12
    assert set(own.FACT_FORMS) == set(EvidenceKind) - {EvidenceKind.EXEMPTION, EvidenceKind.CORRECTION}


def test_no_request_sets_a_colour(town: Cast, at: datetime, browse) -> None:
    """Every form of the room is sent colours, orders and exemptions besides what it asks for: nothing comes of them."""
    from django.urls import get_resolver

    from qipan.rooms.control.services import appeal_open
    from qipan.rooms.persons.services import personal_link_issue
    from qipan.terms.identity import person_code

    exposed(town.alice, town.xia, last=at - days(1), now=at)
    order = open_orders(town.xia)[0]
    fact = models.Evidence.objects.get()
    appeal = appeal_open(actor=town.bob, order_id=order.pk, grounds="Too long.", at=at)
    zhu = person_code(town.zhu)
    known = {
        "orders": (), "order": (order.pk,), "appeal-open": (order.pk,), "appeals": (), "appeal": (appeal.pk,),
        "appeal-decide": (appeal.pk,), "decision": (zhu,), "evidence-record": (zhu,),
        "evidence-record-kind": (zhu, "test"), "evidence": (fact.pk,), "evidence-void": (fact.pk,),
        "replays": (), "replay": (1,), "resident": (personal_link_issue(actor=town.alice, person_id=town.zhu, at=at),),
    }  # fmt: skip
    from qipan.rooms.control.urls import urlpatterns

    assert {pattern.name for pattern in urlpatterns} == set(known)
    colours = {
        "code": "red", "colour": "red", "health_code": "red", "content": '{"code": "red"}', "orders": '["isolate"]',
        "order_kind": "isolate", "until": "2099-01-01", "kind": "exemption", "latest": "2099-01-01", "act": "code",
        "value": '{"order_kind": "isolate", "until": "2099-01-01"}', "confirmed": "1", "ends_at": "2099-01-01",
    }  # fmt: skip
    before = {row["id"]: row for row in Order.objects.values()}
    for name, arguments in known.items():
        url = "/" + get_resolver().reverse(name, *arguments)
        for who in ("alice", "lin", "ning", "fang"):
            assert browse(who).post(url, colours).status_code in (400, 404, 405), (name, who)
    # a complete fact with a colour beside it is that fact and nothing more
    url = f"/decisions/{zhu}/record/test/"
    whole = {"once": "x", "at": "2022-07-20T11:00", "result": "negative", "method": "pcr", "source": "slip 1"}
    assert browse("ning").post(url, {**colours, **whole}).status_code == 302
    assert models.Evidence.objects.get(person_id=town.zhu).value == {"result": "negative", "method": "pcr"}
    assert selectors.decision_of(town.alice, town.zhu, at=at).code == "green"
    assert {row["id"]: row for row in Order.objects.values()} == before
    for kind in ("exemption", "correction"):
        assert browse("alice").post(url.replace("/test/", f"/{kind}/"), {**colours, **whole}).status_code == 404
