"""Orders and reasons as canonical JSON, and back. Both evaluators write exactly this form."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from qipan.rulebooks.model import OrderTemplate, Rule, add_days
from qipan.terms.decisions import OrderSpec, Reason
from qipan.terms.evidence import OrderKind


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def due_days(template: OrderTemplate, clock: date, opened: date) -> tuple[date, ...]:
    """The test days of an order; those already past when it opens are due on the day of opening."""
    return tuple(sorted({max(add_days(clock, day), opened) for day in template.tests}))


def review_day(template: OrderTemplate, opened: date, until: date, ends: date) -> date:
    """The next review: `review_after` days after the opening if the book says so, else the last day."""
    if ends > until:
        return ends
    if template.review_after is None:
        return until
    return min(until, add_days(opened, template.review_after))


def order_head(
    rule: Rule, template: OrderTemplate, clock: date, opened: date, awaiting: bool
) -> str:
    """The JSON of an order without its closing members, `evidence` and `fulfil_by`."""
    until, latest = add_days(clock, template.until_day), add_days(clock, template.latest_day)
    head = {
        "kind": template.kind.value,
        "starts": opened.isoformat(),
        "until": until.isoformat(),
        "latest": latest.isoformat(),
        "review": review_day(template, opened, until, latest if awaiting else until).isoformat(),
        "rule": rule.id,
        "authority": rule.authority,
        "test_days": [day.isoformat() for day in due_days(template, clock, opened)],
        "awaiting": awaiting,
    }
    return _dumps(head)[:-1]


def instant_text(instant: datetime) -> str:
    """An instant in UTC with whole seconds: 2022-07-20T04:00:00Z."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def orders_to_json(orders: Sequence[OrderSpec]) -> str:
    """The canonical JSON list of orders."""
    return _dumps(
        [
            {
                "kind": order.kind.value,
                "starts": order.starts.isoformat(),
                "until": order.until.isoformat(),
                "latest": order.latest.isoformat(),
                "review": order.review.isoformat(),
                "rule": order.rule,
                "authority": order.authority,
                "test_days": [day.isoformat() for day in order.test_days],
                "awaiting": order.awaiting,
                "evidence": list(order.evidence),
                "fulfil_by": None if order.fulfil_by is None else instant_text(order.fulfil_by),
            }
            for order in orders
        ]
    )


def orders_from_json(text: str) -> tuple[OrderSpec, ...]:
    """The orders in the canonical JSON. `fulfil_by` comes back as an aware UTC instant of whole seconds."""
    day = date.fromisoformat
    return tuple(
        OrderSpec(
            kind=OrderKind(row["kind"]),
            starts=day(row["starts"]),
            until=day(row["until"]),
            latest=day(row["latest"]),
            review=day(row["review"]),
            rule=row["rule"],
            authority=row["authority"],
            evidence=tuple(row["evidence"]),
            fulfil_by=None if row["fulfil_by"] is None else datetime.fromisoformat(row["fulfil_by"]),
            test_days=tuple(day(item) for item in row["test_days"]),
            awaiting=row["awaiting"],
        )
        for row in json.loads(text)
    )


def reasons_to_json(reasons: Iterable[Reason]) -> str:
    """The canonical JSON list of reasons."""
    return _dumps(
        [{"rule": r.rule, "authority": r.authority, "evidence": list(r.evidence)} for r in reasons]
    )


def reasons_from_json(text: str) -> tuple[Reason, ...]:
    """The reasons in the canonical JSON."""
    return tuple(Reason(row["rule"], tuple(row["evidence"]), row["authority"]) for row in json.loads(text))
