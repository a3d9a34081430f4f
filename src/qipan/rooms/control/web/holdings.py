"""What the ledger holds about a person, in the person's own words (foundation.access.holdings)."""

from collections.abc import Sequence

from django.utils.translation import gettext

from qipan.foundation.pages import formats
from qipan.foundation.pages.words import word
from qipan.rooms.control.selectors import own_evidence, own_orders
from qipan.rooms.control.web.saying import fact_words
from qipan.terms.evidence import OrderKind


def held_facts(person_id: int) -> Sequence[str]:
    """Every fact: what, when, from where; nothing that points to anybody else."""
    lines = []
    for row, gone in own_evidence(person_id):
        said = f"{formats.moment_iso(row.at)} · {fact_words(row)} · {row.source}"
        lines.append(gettext("%(fact)s (taken back: counts as never had)") % {"fact": said} if gone else said)
    return lines


def held_orders(person_id: int) -> Sequence[str]:
    """Every order that was ever made."""
    return [
        gettext("%(order)s, %(first)s – %(last)s")
        % {
            "order": word(OrderKind, order.kind),
            "first": order.starts_on.isoformat(),
            "last": formats.local(order.closed_at).date().isoformat() if order.closed_at else order.until.isoformat(),
        }
        for order in own_orders(person_id)
    ]
