"""The words of this room's enumerations in templates."""

from typing import Any

from django import template

from qipan.foundation.pages.page import Words
from qipan.foundation.pages.words import word
from qipan.terms.evidence import EvidenceKind, HealthCode, OrderKind

register = template.Library()


@register.filter
def evidence_word(kind: Any) -> Words:
    """A kind of evidence."""
    return word(EvidenceKind, kind)


@register.filter
def order_word(kind: Any) -> Words:
    """A kind of order."""
    return word(OrderKind, kind)


@register.filter
def code_word(code: Any) -> Words:
    """A health code."""
    return word(HealthCode, code)
