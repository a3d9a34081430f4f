"""What a laboratory's result means for a person. Pure."""

from datetime import timedelta
from typing import Any

from qipan.terms.evidence import TestOutcome

#: how soon after sampling a result is due (rules.json, Chengdu 2022: out- and inpatients 12 hours)
TURNAROUND = timedelta(hours=12)


def for_person(result: TestOutcome, pool_id: str) -> TestOutcome:
    """A pool's positive says that somebody in the tube is, not who (docs/decisions/0010): indeterminate for
    each of them until their own specimens are tested. A pool's negative is everybody's negative.
    """
    if pool_id and result is TestOutcome.POSITIVE:
        return TestOutcome.INDETERMINATE
    return result


def evidence_value(*, result: TestOutcome, method: str, ct: float | None, pool_id: str) -> dict[str, Any]:
    """The ledger's value of a result. `x_pool` notes the tube where one was shared."""
    value: dict[str, Any] = {"result": for_person(result, pool_id).value, "method": method}
    if ct is not None:
        value["ct"] = ct
    if pool_id:
        value["x_pool"] = pool_id
    return value
