"""A rulebook as frozen values. What each field means in a file: `docs/rulebooks.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from qipan.terms.evidence import EvidenceItem, EvidenceKind, HealthCode, OrderKind

CODE_RANK: Mapping[HealthCode, int] = {HealthCode.GREEN: 0, HealthCode.YELLOW: 1, HealthCode.RED: 2}

#: the reason under which an exemption appears in a decision; no rule may have this id
EXEMPTION = "exemption"


@dataclass(frozen=True, slots=True)
class Words:
    """The same sentence in both languages of the house."""

    en: str
    zh: str

    def say(self, language: str) -> str:
        """The sentence in `language` (anything that starts with "zh" is Chinese)."""
        return self.zh if language.lower().startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which evidence a rule looks at: a kind, and for some attributes the words that match.

    `back_days` (in `ends_by` only): evidence of up to that many days before the trigger ends it too.
    """

    kind: EvidenceKind
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()
    temperature_from: float | None = None
    back_days: int = 0


@dataclass(frozen=True, slots=True)
class Release:
    """What the release at `until` needs. Several needs must all be met.

    `negatives`: consecutive negative tests, the first and the last at least `hours_apart` apart, sampled on
    day `from_day` of the clock or later, with no positive after the first. `tests`: that many results of
    any kind. `linked_negative`: the linked person's first tests are all there and all negative.
    """

    negatives: int = 0
    tests: int = 0
    hours_apart: int = 0
    from_day: int = 0
    linked_negative: bool = False


@dataclass(frozen=True, slots=True)
class OrderTemplate:
    """One order of a rule. All days count from the rule's clock (day 0); both ends are included."""

    kind: OrderKind
    code: HealthCode
    from_day: int
    until_day: int
    latest_day: int
    tests: tuple[int, ...] = ()
    release: Release | None = None
    early: bool = False
    fulfil_hours: int | None = None
    review_after: int | None = None


@dataclass(frozen=True, slots=True)
class Linked:
    """A rule that depends on the linked person's first tests after that person's own clock in rule `of`."""

    first_tests: int
    of: str
    upgrade_to: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Triggers, a clock, and the orders that follow one another."""

    id: str
    words: Words
    authority: str
    source: str
    confidence: str
    clock: str
    when: tuple[Matcher, ...]
    ends_by: tuple[Matcher, ...]
    orders: tuple[OrderTemplate, ...]
    linked: Linked | None = None
    in_force_from: date = date.min
    in_force_until: date = date.max


@dataclass(frozen=True, slots=True)
class Codes:
    """Order kind -> colour, with the authority and source of that mapping."""

    colours: Mapping[OrderKind, HealthCode]
    authority: str
    source: str


@dataclass(frozen=True, slots=True)
class Changeover:
    """What happens to orders that were opened under the previous book: `new_rule` or `old_rule_until_end`."""

    policy: str
    words: Words
    source: str


@dataclass(frozen=True, slots=True)
class Exemption:
    """The authority by which exemptions count in this book."""

    words: Words
    authority: str
    source: str


@dataclass(frozen=True, slots=True)
class Example:
    """The book's own example: evidence, a moment, and what must come out."""

    name: str
    person: str
    at: datetime
    evidence: tuple[EvidenceItem, ...]
    code: HealthCode
    orders: tuple[Mapping[str, object], ...] | None
    next_change_at: datetime | None


@dataclass(frozen=True)
class Rulebook:
    """One edition of the rules for one disease in one jurisdiction, in force from a day to a day (excluded)."""

    id: str
    disease: str
    jurisdiction: str
    version: str
    title: Words
    effective_from: date
    effective_until: date | None
    time_zone: str
    authority: str
    source: str
    extends: str | None
    codes: Codes
    changeover: Changeover
    exemption: Exemption | None
    rules: tuple[Rule, ...]
    examples: tuple[Example, ...]

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone whose calendar days count."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def rule_index(self) -> Mapping[str, int]:
        """Rule id -> position in the book."""
        return {rule.id: index for index, rule in enumerate(self.rules)}

    @cached_property
    def triggering(self) -> Mapping[EvidenceKind, tuple[tuple[int, Matcher], ...]]:
        """Kind -> (position of the rule that it may trigger, matcher)."""
        pairs = [(index, matcher) for index, rule in enumerate(self.rules) for matcher in rule.when]
        return {kind: tuple(pair for pair in pairs if pair[1].kind is kind) for kind in EvidenceKind}

    @cached_property
    def endings(self) -> tuple[tuple[int, Matcher], ...]:
        """Every (position of a rule, matcher of evidence that ends it)."""
        return tuple((index, matcher) for index, rule in enumerate(self.rules) for matcher in rule.ends_by)

    @cached_property
    def ending(self) -> Mapping[EvidenceKind, tuple[tuple[int, Matcher], ...]]:
        """Kind -> (position in `endings`, matcher)."""
        pairs = [(number, matcher) for number, (_, matcher) in enumerate(self.endings)]
        return {kind: tuple(pair for pair in pairs if pair[1].kind is kind) for kind in EvidenceKind}

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id; KeyError if the book has none."""
        return self.rules[self.rule_index[rule_id]]

    def day_of(self, instant: datetime) -> date:
        """The local calendar day of an aware instant."""
        return instant.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The instant at which the local day begins, in the book's zone."""
        return datetime.combine(day, time.min, self.zone)

    def in_force_at(self, moment: datetime) -> bool:
        """Whether the book is in force on the local day of `moment`."""
        day = self.day_of(moment)
        return self.effective_from <= day and (self.effective_until is None or day < self.effective_until)


def add_days(day: date, days: int) -> date:
    """`day` plus `days`, in one place so that both evaluators count alike."""
    return day + timedelta(days=days)
