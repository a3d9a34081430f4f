"""The population evaluator's rows as the values that `decide` gives."""

from collections.abc import Iterator

from qipan.rulebooks.jsonform import orders_from_json, reasons_from_json
from qipan.rulebooks.population import PopulationResult
from qipan.terms.decisions import Decision
from qipan.terms.evidence import HealthCode


def decisions_from(result: PopulationResult) -> Iterator[Decision]:
    """One `Decision` a row, equal to what `single.decide` answers for that person."""
    columns = ("person_id", "code", "orders", "reasons", "next_change_at")
    for person_id, code, orders, reasons, next_change_at in result.decisions.select(columns).iter_rows():
        yield Decision(
            person_id=str(person_id),
            rulebook=result.rulebook,
            tables=result.tables,
            moment=result.moment,
            code=HealthCode(code),
            orders=() if orders == "[]" else orders_from_json(orders),
            reasons=() if reasons == "[]" else reasons_from_json(reasons),
            next_change_at=next_change_at,
        )
