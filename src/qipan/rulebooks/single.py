"""The evaluator for one person: `decide`, a pure function of book, tables, evidence and moment.

The steps, which `population` repeats on columns: what counts at the moment -> triggers of each rule -> the
linked person's first tests (which may upgrade a trigger) -> one trigger a rule, the latest clock -> its
orders, one after the other -> code, reasons, next change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from qipan.rulebooks.digest import Digest, digest
from qipan.rulebooks.jsonform import due_days, review_day
from qipan.rulebooks.ledger import effective
from qipan.rulebooks.model import CODE_RANK, EXEMPTION, Linked, Release, Rule, Rulebook, add_days
from qipan.rulebooks.tables import Tables
from qipan.terms.decisions import Decision, OrderSpec, Reason
from qipan.terms.evidence import EvidenceItem, EvidenceKind, HealthCode

#: order kind -> (learnt at, last exempt day, evidence id) of each exemption
_Exemptions = Mapping[str, Sequence[tuple[datetime, date, str]]]


@dataclass(frozen=True, slots=True)
class _Trigger:
    """Evidence that triggers a rule. `since`: from when tests and endings count; `known`: when we learnt it."""

    evidence: tuple[str, ...]
    clock: date
    since: datetime
    known: datetime
    linked: str | None
    first: date
    linked_negative: bool = False

    @property
    def order(self) -> tuple[float, datetime, tuple[str, ...]]:
        """The least wins: latest clock, then first learnt, then the least evidence id."""
        return (-self.since.timestamp(), self.known, self.evidence)


@dataclass(frozen=True, slots=True)
class _Read:
    """An item with what it says to the book."""

    item: EvidenceItem
    said: Digest


@dataclass(frozen=True, slots=True)
class _Laid:
    """An order as laid out on the calendar, or (spec None) one that an exemption keeps from binding."""

    spec: OrderSpec | None
    code: HealthCode
    change: date


def decide(
    book: Rulebook, tables: Tables, evidence: Sequence[EvidenceItem], person_id: str, moment: datetime
) -> Decision:
    """The decision of `book` about one person at an aware instant.

    `evidence` holds the person's evidence and that of the persons linked to them, in any order; other
    persons' evidence is ignored. Values are assumed to be valid: what cannot be read triggers nothing.
    """
    today = book.day_of(moment)
    by_person: dict[str, list[_Read]] = {}
    for item in effective(evidence, moment):
        said = digest(book, tables, item.kind, item.value, book.day_of(item.at))
        by_person.setdefault(item.person_id, []).append(_Read(item, said))
    own = by_person.get(person_id, [])
    exemptions = _exemptions(own)
    tests = [read for read in own if read.item.kind is EvidenceKind.TEST]

    orders: list[OrderSpec] = []
    reasons: list[Reason] = []
    exempt_evidence: set[str] = set()
    changes: list[date] = []
    rank = 0
    for index, trigger in sorted(_winners(book, by_person, own).items()):
        rule = book.rules[index]
        if _ended(book, index, trigger, own):
            continue
        laid = list(_lay(book, rule, trigger, tests, exemptions, today, exempt_evidence))
        changes += [row.change for row in laid]
        specs = [row.spec for row in laid if row.spec is not None]
        orders += specs
        rank = max(
            [rank, *(CODE_RANK[r.code] for r in laid if r.spec is not None and r.spec.starts <= today)]
        )
        if specs:
            reasons.append(Reason(rule.id, trigger.evidence, rule.authority))
    if exempt_evidence and book.exemption is not None:
        reasons.append(Reason(EXEMPTION, tuple(sorted(exempt_evidence)), book.exemption.authority))
    orders.sort(key=lambda order: order.starts)
    return Decision(
        person_id=person_id,
        rulebook=book.id,
        tables=tables.revision,
        moment=moment,
        code=next(code for code, value in CODE_RANK.items() if value == rank),
        orders=tuple(orders),
        reasons=tuple(reasons),
        next_change_at=book.midnight(min(changes)).astimezone(UTC) if changes else None,
    )


def _exemptions(own: Iterable[_Read]) -> _Exemptions:
    """Order kind -> exemptions from it."""
    found: dict[str, list[tuple[datetime, date, str]]] = {}
    for read in own:
        kind, until = read.said.exempt_kind, read.said.exempt_until
        if kind is not None and until is not None:
            found.setdefault(kind, []).append((read.item.recorded_at, until, read.item.evidence_id))
    return found


def _exempt(exemptions: Iterable[tuple[datetime, date, str]], known: datetime) -> tuple[date, str]:
    """(last exempt day, evidence id) of the longest exemption from grounds that were known at `known`.

    An exemption answers grounds that were there: it says nothing of grounds learnt after it.
    """
    fitting = [(-until.toordinal(), evidence_id, until) for at, until, evidence_id in exemptions if at >= known]
    if not fitting:
        return date.min, ""
    _, evidence_id, until = min(fitting)
    return until, evidence_id


def _trigger(book: Rulebook, rule: Rule, read: _Read) -> _Trigger | None:
    item, said = read.item, read.said
    known_day = book.day_of(item.recorded_at)
    if not rule.in_force_from <= known_day < rule.in_force_until:
        return None
    if rule.clock == "last":
        if said.last is None:
            return None
        clock, since = said.last, book.midnight(said.last)
    else:
        clock, since = book.day_of(item.at), item.at
    return _Trigger(
        evidence=(item.evidence_id,),
        clock=clock,
        since=since,
        known=item.recorded_at,
        linked=item.linked_person_id,
        first=said.first or clock,
    )


def _direct(book: Rulebook, reads: Iterable[_Read], index: int) -> list[_Trigger]:
    found = (_trigger(book, book.rules[index], read) for read in reads if index in read.said.triggers)
    return [trigger for trigger in found if trigger is not None]


def _winners(
    book: Rulebook, by_person: Mapping[str, list[_Read]], own: Sequence[_Read]
) -> dict[int, _Trigger]:
    """Rule position -> the trigger that counts. A linked trigger may move to the rule it is upgraded to."""
    found: dict[int, list[_Trigger]] = {}
    for index, rule in enumerate(book.rules):
        for trigger in _direct(book, own, index):
            target, moved = index, trigger
            if rule.linked is not None and trigger.linked is not None:
                reads = by_person.get(trigger.linked, [])
                target, moved = _follow_link(book, rule.linked, index, trigger, reads)
            found.setdefault(target, []).append(moved)
    return {index: min(triggers, key=lambda t: t.order) for index, triggers in found.items()}


def _follow_link(
    book: Rulebook, link: Linked, index: int, trigger: _Trigger, reads: Sequence[_Read]
) -> tuple[int, _Trigger]:
    """Read the linked person's first tests: negative, lacking, or positive (then the trigger is upgraded)."""
    own_rule = _direct(book, reads, book.rule_index[link.of])
    start = min(own_rule, key=lambda t: t.order).clock if own_rule else trigger.first
    since = book.midnight(start)
    first = sorted(
        (
            read
            for read in reads
            if read.item.kind is EvidenceKind.TEST
            and read.said.result in {"positive", "negative"}
            and read.item.at >= since
        ),
        key=lambda read: (read.item.at, read.item.evidence_id),
    )[: link.first_tests]
    positive = [read.item for read in first if read.said.result == "positive"]
    if not positive:
        return index, replace(trigger, linked_negative=len(first) == link.first_tests)
    by = min(positive, key=lambda item: (item.recorded_at, item.evidence_id))
    return book.rule_index[link.upgrade_to], replace(
        trigger,
        evidence=tuple(sorted({*trigger.evidence, by.evidence_id})),
        known=max(trigger.known, by.recorded_at),
    )


def _ended(book: Rulebook, index: int, trigger: _Trigger, own: Sequence[_Read]) -> bool:
    """Whether evidence at or after the trigger (or `back_days` before it) has ended the rule's orders."""
    for read in own:
        for number in read.said.ends:
            rule, matcher = book.endings[number]
            if rule == index and read.item.at + timedelta(days=matcher.back_days) >= trigger.since:
                return True
    return False


def _released(
    book: Rulebook, release: Release, trigger: _Trigger, tests: Sequence[_Read]
) -> bool:
    """Whether what the release needs is there."""
    since = max(trigger.since, book.midnight(add_days(trigger.clock, release.from_day)))
    counted = [read for read in tests if read.item.at >= since and read.said.result is not None]
    if release.linked_negative and not trigger.linked_negative:
        return False
    if len(counted) < release.tests:
        return False
    if release.negatives:
        last_positive = max(
            (read.item.at for read in counted if read.said.result == "positive"), default=None
        )
        times = [
            read.item.at
            for read in counted
            if read.said.result == "negative" and (last_positive is None or read.item.at > last_positive)
        ]
        if len(times) < release.negatives:
            return False
        if max(times) - min(times) < timedelta(hours=release.hours_apart):
            return False
    return True


def _lay(
    book: Rulebook,
    rule: Rule,
    trigger: _Trigger,
    tests: Sequence[_Read],
    exemptions: _Exemptions,
    today: date,
    exempt_evidence: set[str],
) -> Iterable[_Laid]:
    """The orders of one trigger that are not over yet, one after the other."""
    known_day = book.day_of(trigger.known)
    ran_on_to = date.min
    for template in rule.orders:
        until, latest = add_days(trigger.clock, template.until_day), add_days(trigger.clock, template.latest_day)
        opened = max(add_days(trigger.clock, template.from_day), known_day)
        if ran_on_to > date.min:
            opened = max(opened, add_days(ran_on_to, 1))
        released = template.release is None or _released(book, template.release, trigger, tests)
        if template.early and template.release is not None and released:
            continue
        exempt_until, exempt_id = _exempt(exemptions.get(template.kind.value, ()), trigger.known)
        would_open, exempt = opened, False
        if exempt_until > date.min and add_days(exempt_until, 1) > opened:
            opened, exempt = add_days(exempt_until, 1), True
        if opened > until:
            if exempt and would_open <= until and until >= today:
                exempt_evidence.add(exempt_id)
                yield _Laid(None, template.code, add_days(until, 1))
            continue
        runs_on = today > until and not released and latest > until
        ends = latest if runs_on else until
        if runs_on:
            ran_on_to = latest
        if ends < today:
            continue
        if exempt and exempt_until >= today:
            exempt_evidence.add(exempt_id)
        fulfil_by = None
        if template.fulfil_hours is not None:
            due = trigger.known + timedelta(hours=template.fulfil_hours)
            fulfil_by = due.astimezone(UTC).replace(microsecond=0)
        spec = OrderSpec(
            kind=template.kind,
            starts=opened,
            until=until,
            latest=latest,
            review=review_day(template, opened, until, ends),
            rule=rule.id,
            authority=rule.authority,
            evidence=trigger.evidence,
            fulfil_by=fulfil_by,
            test_days=due_days(template, trigger.clock, opened),
            awaiting=runs_on,
        )
        yield _Laid(spec, template.code, opened if opened > today else add_days(ends, 1))
