"""Appeals: opened by an officer for the person, answered by another one in time, or released by default."""

from datetime import datetime

from qipan.foundation import crypto
from qipan.foundation.access.scoping import require, require_recorded
from qipan.foundation.audit.selectors import not_before_log
from qipan.foundation.audit.services import Entry, audited
from qipan.rooms.control.models import Appeal, Order
from qipan.rooms.control.rules import APPEAL_CLOCK, exemption_value, may_answer
from qipan.rooms.control.selectors.orders import access_appeal, access_order, appeals_overdue
from qipan.rooms.control.services.decisions import decide_now
from qipan.rooms.control.services.evidence import insert_and_decide
from qipan.rooms.control.services.locking import lock_ledger
from qipan.rooms.persons.selectors import person_of_link, person_refs
from qipan.terms.errors import BadInput, Refused
from qipan.terms.evidence import EvidenceKind
from qipan.terms.roles import Actor, Permission

#: the person himself, on his own page: no role, no rights over anybody
RESIDENT = Actor(user_id=None, unit_id=None, grants=(), label="resident")
LONGEST_GROUNDS = 4_000
DISEASE = "covid19"


def _bound_to(field: str, order_id: int) -> bytes:
    return f"control.appeal.{field}.{order_id}".encode()


def _present(person_id: int, *, disease: str, kind: str, at: datetime, write_id: str) -> Order | None:
    """The order of this kind that binds now, after deciding the person again: an order that waits for a result goes
    on after its last day, as another row. None where nothing of the kind binds any more.
    """
    decide_now([person_id], at=at, disease=disease, write_id=write_id)
    bound = Order.objects.filter(person_id=person_id, disease=disease, kind=kind, closed_at=None, ends_at__gt=at)
    present: Order | None = bound.order_by("-pk").first()
    return present


def _in_its_place(order: Order, *, at: datetime, write_id: str) -> Order | None:
    return _present(order.person_id, disease=order.disease, kind=order.kind, at=at, write_id=write_id)


def _open(present: Order | None, grounds: str, *, opened_by: int | None, at: datetime) -> Appeal:
    """Write the appeal down; its clock starts. Raises Refused (ended, or under appeal already)."""
    if present is None:
        raise Refused("This order has ended: there is nothing left to appeal against.")
    same = Appeal.objects.filter(person_id=present.person_id, state=Appeal.State.OPEN, order__kind=present.kind)
    if same.filter(order__disease=present.disease).exists():
        raise Refused("This order is under appeal already.")
    return Appeal.objects.create(
        order=present,
        person_id=present.person_id,
        grounds=crypto.seal("appeal", grounds.encode(), bound_to=_bound_to("grounds", present.pk)),
        opened_at=at,
        opened_by=opened_by,
        due_at=at + APPEAL_CLOCK,
    )


def _say_opened(entry: Entry, appeal: Appeal, area_path: str) -> None:
    order = appeal.order
    detail = {"order": order.pk, "rule": order.rule, "due": appeal.due_at.isoformat()}
    entry.about("appeal", appeal.pk, area_path=area_path, detail=detail)


def appeal_open(*, actor: Actor, order_id: int, grounds: str, at: datetime) -> Appeal:
    """Open an appeal against an order for the person it binds. The order runs on unchanged; the clock of
    24 hours starts. Raises Absent, Denied, Refused (ended, or under appeal already), BadInput (no grounds).
    """
    if not grounds.strip():
        raise BadInput("Write down, in the person's own words, why the order is wrong.")
    with audited(actor=actor, action="appeal.open", at=at) as entry:
        lock_ledger()
        order = access_order(actor, order_id)
        area_path = order.person.area_path
        require(actor, Permission.APPEAL_OPEN, area_path)
        present = _in_its_place(order, at=at, write_id=entry.write_id)
        appeal = _open(present, grounds, opened_by=actor.user_id, at=at)
        _say_opened(entry, appeal, area_path)
    return appeal


def appeal_open_by_person(*, token: str, kind: str, grounds: str, at: datetime) -> Appeal:
    """Open an appeal against the order of this kind that binds the person whose link this is, by himself. The order
    runs on unchanged and is never lengthened; the clock of 24 hours starts; the log names him as "resident".
    Raises Absent (no such link, or no longer), Refused (ended, or under appeal already), BadInput (no grounds).
    """
    if not grounds.strip():
        raise BadInput("Write down in your own words why the order is wrong.")
    if len(grounds) > LONGEST_GROUNDS or "\0" in grounds:
        raise BadInput("Write at most %(most)s characters.", most=LONGEST_GROUNDS)
    at = not_before_log(at)
    with audited(actor=RESIDENT, action="appeal.open", at=at) as entry:
        lock_ledger()
        person_id = person_of_link(token, at)
        area_path = person_refs([person_id])[person_id].area_path
        present = _present(person_id, disease=DISEASE, kind=kind, at=at, write_id=entry.write_id)
        appeal = _open(present, grounds, opened_by=None, at=at)
        _say_opened(entry, appeal, area_path)
    return appeal


def _exempt(appeal: Appeal, order: Order, *, actor: Actor, at: datetime, write_id: str) -> dict[str, object]:
    value = exemption_value(order_kind=order.kind, until=order.latest)
    recorded = insert_and_decide(
        actor=actor, person_id=order.person_id, kind=EvidenceKind.EXEMPTION, at=at, value=value, source="appeal",
        now=at, identity=f"{appeal.pk}", disease=order.disease, write_id=write_id,
    )  # fmt: skip
    return {"order": order.pk, **recorded.detail()}


def appeal_decide(*, actor: Actor, appeal_id: int, granted: bool, answer: str, at: datetime) -> Appeal:
    """Answer an appeal. Granted: an exemption goes to the ledger, and the book decides again. Never lengthens
    an order. Raises Absent, Denied, Refused (answered already, or too late; the same person or unit), BadInput.
    """
    if not answer.strip():
        raise BadInput("An appeal is answered with reasons that the person can read.")
    at = not_before_log(at)
    with audited(actor=actor, action="appeal.decide", at=at) as entry:
        lock_ledger()
        appeal = access_appeal(actor, appeal_id)
        order = appeal.order
        area_path = order.person.area_path
        require(actor, Permission.APPEAL_DECIDE, area_path)
        if appeal.state != Appeal.State.OPEN:
            raise Refused("This appeal was answered before.")
        if not may_answer(
            opened_by=appeal.opened_by,
            grounds_unit=order.evidence.recorded_unit,
            user_id=actor.user_id,
            unit_id=actor.unit_id,
        ):
            raise Refused("Somebody else, of another unit than the one that recorded the grounds, must answer this.")
        if appeal.due_at <= at:
            raise Refused("The clock of this appeal has run out: the order is released, not answered.")
        appeal.answer = crypto.seal("appeal", answer.encode(), bound_to=_bound_to("answer", order.pk))
        appeal.decided_at, appeal.decided_by, appeal.decided_unit = at, actor.user_id, actor.unit_id
        detail: dict[str, object] = {"order": order.pk}
        present = _in_its_place(order, at=at, write_id=entry.write_id)
        if present is None:
            appeal.state = Appeal.State.MOOT
        elif granted:
            appeal.state = Appeal.State.GRANTED
            detail = _exempt(appeal, present, actor=actor, at=at, write_id=entry.write_id)
        else:
            appeal.state = Appeal.State.UPHELD
        appeal.save(update_fields=["state", "answer", "decided_at", "decided_by", "decided_unit"])
        entry.about("appeal", appeal.pk, area_path=area_path, detail={"state": appeal.state, **detail})
    return appeal


def appeals_release_overdue(*, actor: Actor, at: datetime) -> int:
    """Release, by default, every order whose appeal nobody answered in time; how many appeals ended.

    The silence is the authority's fault, so it falls to the person: exemption evidence under the system's
    own name, an entry in the log that says so, one transaction an appeal. Raises Denied.
    """
    at = not_before_log(at)
    require_recorded(actor, Permission.DECISION_RUN, action="appeal.release", at=at)
    ended = 0
    for appeal_id in list(appeals_overdue(at).values_list("pk", flat=True)):
        with audited(actor=actor, action="appeal.release", at=at) as entry:
            lock_ledger()
            appeal = Appeal.objects.select_related("order__person").get(pk=appeal_id)
            if appeal.state != Appeal.State.OPEN:  # answered while we waited for the ledger
                entry.silent = True
                continue
            order = appeal.order
            appeal.decided_at = at
            detail: dict[str, object] = {"order": order.pk}
            present = _in_its_place(order, at=at, write_id=entry.write_id)
            if present is None:
                appeal.state = Appeal.State.MOOT
            else:
                appeal.state = Appeal.State.RELEASED
                detail = _exempt(appeal, present, actor=actor, at=at, write_id=entry.write_id)
            appeal.save(update_fields=["state", "decided_at"])
            entry.about(
                "appeal",
                appeal.pk,
                area_path=order.person.area_path,
                detail={"state": appeal.state, "escalated_to": order.appeal_to, **detail},
            )
        ended += 1
    return ended


def appeal_grounds(actor: Actor, appeal_id: int) -> str:
    """The person's own words, for whoever may decide there. Raises Absent, Denied."""
    appeal = access_appeal(actor, appeal_id)
    require(actor, Permission.APPEAL_DECIDE, appeal.order.person.area_path)
    return unsealed_grounds(appeal)


def unsealed_grounds(appeal: Appeal) -> str:
    """The words of an appeal that was fetched by the person himself. Not scoped."""
    return crypto.unseal("appeal", bytes(appeal.grounds), bound_to=_bound_to("grounds", appeal.order_id)).decode()


def unsealed_answer(appeal: Appeal) -> str:
    """The answer to an appeal that was fetched; "" where there is none. It was written for the person to read."""
    if appeal.answer is None:
        return ""
    return crypto.unseal("appeal", bytes(appeal.answer), bound_to=_bound_to("answer", appeal.order_id)).decode()
