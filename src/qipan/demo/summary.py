"""What the demonstration came to: counts of records, in the words of INTERFACES (`demo`)."""

from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db.models import Count

from qipan.foundation.audit.anchors import anchors_read, verify
from qipan.rooms.command.selectors import list_days
from qipan.rooms.control.selectors import codes_count, evidence_count, list_orders
from qipan.rooms.investigation.selectors import line_list, list_contacts
from qipan.rooms.persons.selectors import list_persons
from qipan.terms.evidence import ContactClass, OrderKind
from qipan.terms.roles import SYSTEM_ACTOR


def _orders(at: datetime) -> dict[str, dict[str, int]]:
    """By kind: opened, of these lapsed (at their end), released, replaced (by new evidence), and open."""
    counts: Counter[tuple[str, str]] = Counter()
    rows = list_orders(SYSTEM_ACTOR, at=at, active=False).order_by().values_list("kind", "closed_as")
    for kind, how, number in rows.annotate(number=Count("pk")):
        counts[kind, how or "open"] += number
        counts[kind, "opened"] += number
    names = ("opened", "lapsed", "released", "replaced", "open")
    return {kind.value: {name: counts[kind.value, name] for name in names} for kind in OrderKind}


def _work() -> dict[str, int]:
    """Done on all days; still due, and of that overdue, at the close of the last."""
    days = [{step["name"]: step["counts"] for step in day.steps} for day in list_days(SYSTEM_ACTOR)]
    last = days[0]["work"] if days else {"due": 0, "overdue": 0}
    return {"done": sum(day["work"]["done"] for day in days), "due": last["due"], "overdue": last["overdue"]}


def summary(*, at: datetime, anchors: Path) -> dict[str, Any]:
    """The document of INTERFACES without `seconds`. `anchors`: the file of heads written down each day."""
    people = list_persons(SYSTEM_ACTOR).count()
    contacts = Counter(
        dict(
            list_contacts(SYSTEM_ACTOR).order_by().values_list("contact_class").annotate(number=Count("pk"))
        )
    )
    log = verify(anchors_read(anchors) if anchors.exists() else None)
    return {
        "people": people,
        "days": list_days(SYSTEM_ACTOR).count(),
        "facts": evidence_count(),
        "cases": line_list(SYSTEM_ACTOR).count(),
        "contacts": {kind.value: contacts[kind.value] for kind in ContactClass},
        "codes": codes_count(SYSTEM_ACTOR, at=at, persons=people),
        "orders": _orders(at),
        "work": _work(),
        "audit": {"entries": log["entries"], "verified": log["verified"]},
    }
