"""The rulebook language, the shipped books and both evaluators. Pure: no Django, no clock, no randomness."""

from qipan.rulebooks.decided import decisions_from
from qipan.rulebooks.loader import book_text, check_book, load_book, load_text, shipped_books
from qipan.rulebooks.model import Rulebook
from qipan.rulebooks.population import PopulationResult, decide_population
from qipan.rulebooks.single import decide
from qipan.rulebooks.tables import EMPTY_TABLES, KeyPostRow, RiskRow, Tables

__all__ = [
    "EMPTY_TABLES",
    "KeyPostRow",
    "PopulationResult",
    "RiskRow",
    "Rulebook",
    "Tables",
    "book_text",
    "check_book",
    "decide",
    "decide_population",
    "decisions_from",
    "load_book",
    "load_text",
    "shipped_books",
]
