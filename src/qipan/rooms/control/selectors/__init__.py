"""Reads of the ledger. Fetching is authorising: what an actor may not see looks absent."""

from qipan.rooms.control.selectors.decisions import (
    codes_count,
    current_decisions,
    decision_of,
)
from qipan.rooms.control.selectors.ledger import (
    access_evidence,
    evidence_count,
    evidence_hashes,
    ledger_frame,
    ledger_items,
    linked_to,
    list_evidence,
)
from qipan.rooms.control.selectors.orders import (
    OrderFact,
    access_appeal,
    access_order,
    appeals_overdue,
    find_order,
    forged_orders,
    list_appeals,
    list_orders,
    order_facts,
)
from qipan.rooms.control.selectors.reconciling import Reconciliation, forged_decisions, reconcile_ledger

__all__ = [
    "OrderFact",
    "Reconciliation",
    "access_appeal",
    "access_evidence",
    "access_order",
    "appeals_overdue",
    "codes_count",
    "current_decisions",
    "decision_of",
    "evidence_count",
    "evidence_hashes",
    "find_order",
    "forged_decisions",
    "forged_orders",
    "ledger_frame",
    "ledger_items",
    "linked_to",
    "list_appeals",
    "list_evidence",
    "list_orders",
    "order_facts",
    "reconcile_ledger",
]
