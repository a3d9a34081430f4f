"""What `decide` answers with: orders, reasons and the decision itself, as frozen values."""

from dataclasses import dataclass
from datetime import date, datetime

from qipan.terms.evidence import HealthCode, OrderKind


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: one rule, the evidence it used, and the authority behind it."""

    rule: str
    evidence: tuple[str, ...]
    authority: str


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """One order as decided. Days are local calendar days of the rulebook's zone.

    It binds from the start of `starts` to 24:00 on `until`; with `awaiting` it runs on to 24:00 on
    `latest`, because a release condition lacks its evidence. `fulfil_by` is the last instant by which the
    authority must have carried it out (a room, a visit). `review` is the day of the next review.
    """

    kind: OrderKind
    starts: date
    until: date
    latest: date
    review: date
    rule: str
    authority: str
    evidence: tuple[str, ...]
    fulfil_by: datetime | None = None
    test_days: tuple[date, ...] = ()
    awaiting: bool = False

    @property
    def ends(self) -> date:
        """The last day it binds as things stand."""
        return self.latest if self.awaiting else self.until


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer of a rulebook about one person at one moment."""

    person_id: str
    rulebook: str
    tables: str
    moment: datetime
    code: HealthCode
    orders: tuple[OrderSpec, ...]
    reasons: tuple[Reason, ...]
    next_change_at: datetime | None
