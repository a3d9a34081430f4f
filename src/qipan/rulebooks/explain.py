"""Books, orders and reasons in plain words, English or Chinese."""

from qipan.rulebooks.model import EXEMPTION, OrderTemplate, Release, Rule, Rulebook, Words
from qipan.terms.decisions import Decision, OrderSpec
from qipan.terms.evidence import HealthCode, OrderKind

KIND_WORDS = {
    OrderKind.ISOLATE: Words("isolation", "隔离治疗（管理）"),
    OrderKind.QUARANTINE_CENTRAL: Words("quarantine at a central site", "集中隔离"),
    OrderKind.QUARANTINE_HOME: Words("quarantine at home", "居家隔离"),
    OrderKind.MONITOR_HOME: Words("health monitoring at home", "居家健康监测"),
    OrderKind.TEST: Words("testing", "核酸检测"),
}
CODE_WORDS = {
    HealthCode.GREEN: Words("green", "绿码"),
    HealthCode.YELLOW: Words("yellow", "黄码"),
    HealthCode.RED: Words("red", "红码"),
}
_POLICY = {
    "new_rule": Words("open orders are decided again under this book", "未到期措施按本规则重新判定"),
    "old_rule_until_end": Words("open orders run to their end under the old book", "未到期措施按原规则执行至结束"),
}


def explain_book(book: Rulebook, language: str) -> str:
    """The whole book as text: what it is, its colours, its changeover, each rule with authority and source."""
    zh = language.lower().startswith("zh")
    until = book.effective_until.isoformat() if book.effective_until else ("今" if zh else "further notice")
    if zh:
        lines = [
            f"{book.title.zh}（{book.id}）",
            f"自{book.effective_from}起施行，至{until}（不含）；时区：{book.time_zone}",
            f"制定机关：{book.authority}",
            f"来源：{book.source}",
        ]
    else:
        lines = [
            f"{book.title.en} ({book.id})",
            f"In force from {book.effective_from} until {until} (excluded); days are those of {book.time_zone}",
            f"Authority: {book.authority}",
            f"Source: {book.source}",
        ]
    if book.extends:
        lines.append(f"扩展自：{book.extends}" if zh else f"Extends: {book.extends}")
    colours = ("；" if zh else "; ").join(
        f"{KIND_WORDS[kind].say(language)} = {CODE_WORDS[code].say(language)}"
        for kind, code in book.codes.colours.items()
    )
    policy = _POLICY[book.changeover.policy].say(language)
    lines += [
        f"赋码：{colours}（{book.codes.source}）" if zh else f"Codes: {colours} ({book.codes.source})",
        (f"版本衔接：{policy}。" if zh else f"Changeover: {policy}. ") + book.changeover.words.say(language),
    ]
    for rule in book.rules:
        lines += ["", *_rule_lines(rule, language)]
    return "\n".join(lines)


def _rule_lines(rule: Rule, language: str) -> list[str]:
    zh = language.lower().startswith("zh")
    lines = [f"[{rule.id}] {rule.words.say(language)}"]
    lines += [f"  - {explain_template(order, language)}" for order in rule.orders]
    if zh:
        lines.append(f"  依据：{rule.authority}；来源：{rule.source}（可信度{rule.confidence}）")
    else:
        lines.append(f"  Authority: {rule.authority}; source: {rule.source} (confidence {rule.confidence})")
    return lines


def explain_template(order: OrderTemplate, language: str) -> str:
    """One order of a rule in one line: days, kind, code, tests, what the release needs."""
    zh = language.lower().startswith("zh")
    kind, code = KIND_WORDS[order.kind].say(language), CODE_WORDS[order.code].say(language)
    if zh:
        text = f"第{order.from_day}天至第{order.until_day}天24时：{kind}（{code}）"
        text += f"；检测：第{'、'.join(map(str, order.tests))}天" if order.tests else ""
    else:
        text = f"day {order.from_day} to 24:00 on day {order.until_day}: {kind} ({code})"
        text += f"; tests on day {', '.join(map(str, order.tests))}" if order.tests else ""
    if order.release is not None:
        text += _release_words(order.release, order, zh)
    return text


def _release_words(release: Release, order: OrderTemplate, zh: bool) -> str:
    needs = []
    if release.negatives:
        apart = f"，间隔至少{release.hours_apart}小时" if zh else f" at least {release.hours_apart} hours apart"
        tests = f"{release.negatives}次阴性" if zh else f"{release.negatives} negative test(s)"
        since = f"（第{release.from_day}天起）" if zh else f" from day {release.from_day}"
        needs.append(tests + (since if release.from_day else "") + (apart if release.hours_apart else ""))
    if release.tests:
        needs.append(f"{release.tests}次检测" if zh else f"{release.tests} test result(s)")
    if release.linked_negative:
        needs.append("所关联密接的前几次检测均为阴性" if zh else "the linked contact's first tests all negative")
    joined = ("；" if zh else " and ").join(needs)
    if zh:
        early = "，满足即解除" if order.early else ""
        return f"；解除条件：{joined}{early}，最迟第{order.latest_day}天自动失效"
    early = ", and ends as soon as that is there" if order.early else ""
    return f"; release needs {joined}{early}; lapses on day {order.latest_day} at the latest"


def explain_order(book: Rulebook, order: OrderSpec, language: str) -> str:
    """One order in one line: what, from when, until when, why, by whose authority, on which evidence."""
    zh = language.lower().startswith("zh")
    kind = KIND_WORDS[order.kind].say(language)
    rule = book.rule(order.rule).words.say(language)
    evidence = ", ".join(order.evidence)
    if zh:
        wait = f"（等待结果，最迟至{order.latest}）" if order.awaiting else ""
        return f"{kind}，{order.starts}至{order.until}24时{wait}。{rule}依据：{order.authority}。证据：{evidence}。"
    wait = f" (awaiting result, {order.latest} at the latest)" if order.awaiting else ""
    return (
        f"{kind}, {order.starts} to 24:00 on {order.until}{wait}. {rule} "
        f"Authority: {order.authority}. Evidence: {evidence}."
    )


def explain_decision(book: Rulebook, decision: Decision, language: str) -> tuple[str, ...]:
    """The decision's orders in plain words, and the exemptions that suspend others; empty for a free person."""
    lines = [explain_order(book, order, language) for order in decision.orders]
    for reason in decision.reasons:
        if reason.rule == EXEMPTION and book.exemption is not None:
            lines.append(f"{book.exemption.words.say(language)} ({', '.join(reason.evidence)})")
    return tuple(lines)
