"""Orders on columns: each winner's orders laid out one after the other, as `single._lay` does for one person."""

from datetime import date

import polars as pl

from qipan.rulebooks.jsonform import order_head
from qipan.rulebooks.model import CODE_RANK, Release, Rulebook
from qipan.rulebooks.triggers import local_day, midnight

_DAY = pl.duration(days=1)


def _days(count: int) -> pl.Expr:
    return pl.duration(days=count)


def lay_orders(
    book: Rulebook, winning: pl.DataFrame, tests: pl.DataFrame, exemptions: pl.DataFrame, today: date
) -> pl.DataFrame:
    """One row an order that is not over, or that an exemption keeps from binding (`listed` false).

    Columns: person_id, rule, phase, listed, starts, rank (of its code), change (day of the next change),
    evidence, head (JSON without its last members), fulfil_by, exempt_id (null unless an exemption works).
    """
    parts = []
    for index in winning["rule"].unique().sort().to_list():
        mine = winning.filter(pl.col("rule") == index).with_columns(
            ran_on_to=pl.lit(None, dtype=pl.Date), known_day=local_day(pl.col("known"), book.time_zone)
        )
        for phase in range(len(book.rules[index].orders)):
            laid = _lay_phase(book, index, phase, mine, tests, exemptions, today)
            parts.append(_listed(book, index, phase, laid, today))
            mine = laid.select(mine.columns)
    if not parts:
        return _nothing(winning)
    return pl.concat(parts)


def _lay_phase(
    book: Rulebook,
    index: int,
    phase: int,
    mine: pl.DataFrame,
    tests: pl.DataFrame,
    exemptions: pl.DataFrame,
    today: date,
) -> pl.DataFrame:
    template = book.rules[index].orders[phase]
    clock = pl.col("clock")
    laid = mine.with_columns(
        until=clock + _days(template.until_day),
        latest=clock + _days(template.latest_day),
        would_open=pl.max_horizontal(
            clock + _days(template.from_day), "known_day", pl.col("ran_on_to") + _DAY
        ),
    )
    if template.release is None:
        laid = laid.with_columns(released=pl.lit(value=True))
    else:
        laid = _with_released(book, template.release, laid, tests)
    exempt = _exempt(exemptions.filter(pl.col("kind") == template.kind.value).drop("kind"), mine)
    over = template.early and template.release is not None
    return (
        laid.join(exempt, on="person_id", how="left")
        .with_columns(
            over=pl.col("released") if over else pl.lit(value=False),
            exempt=(pl.col("exempt_until") + _DAY > pl.col("would_open")).fill_null(value=False),
        )
        .with_columns(
            opened=pl.when("exempt").then(pl.col("exempt_until") + _DAY).otherwise(pl.col("would_open"))
        )
        .with_columns(opens=pl.col("opened") <= pl.col("until"))
        .with_columns(
            runs_on=~pl.col("over")
            & pl.col("opens")
            & (pl.lit(today) > pl.col("until"))
            & ~pl.col("released")
            & (pl.col("latest") > pl.col("until"))
        )
        .with_columns(ran_on_to=pl.when("runs_on").then("latest").otherwise("ran_on_to"))
    )


def _exempt(exemptions: pl.DataFrame, mine: pl.DataFrame) -> pl.DataFrame:
    """The longest exemption of each person from grounds that were known when it was given."""
    return (
        exemptions.join(mine.select("person_id", "known"), on="person_id", maintain_order="left")
        .filter(pl.col("exempt_at") >= pl.col("known"))
        .unique("person_id", keep="first", maintain_order=True)
        .drop("exempt_at", "known")
    )


def _with_released(book: Rulebook, release: Release, laid: pl.DataFrame, tests: pl.DataFrame) -> pl.DataFrame:
    """`laid` with the column `released`: whether what the release needs is there."""
    start = midnight(pl.col("clock") + _days(release.from_day), book.time_zone)
    wanted = laid.select("person_id", need=pl.max_horizontal("since", start))
    counted = wanted.join(
        tests.filter(pl.col("result").is_not_null()).select("person_id", "at", "result"), on="person_id"
    ).filter(pl.col("at") >= pl.col("need"))
    positive = pl.col("at").filter(pl.col("result") == "positive").max()
    marked = counted.with_columns(last_positive=positive.over("person_id"))
    clean = (pl.col("result") == "negative") & (
        pl.col("last_positive").is_null() | (pl.col("at") > pl.col("last_positive"))
    )
    times = pl.col("at").filter(clean)
    summary = marked.group_by("person_id").agg(
        results=pl.len(), negatives=times.len(), span=times.max() - times.min()
    )
    met = (pl.col("results").fill_null(0) >= release.tests) & (
        pl.col("negatives").fill_null(0) >= release.negatives
    )
    if release.negatives and release.hours_apart:
        met = met & (pl.col("span") >= pl.duration(hours=release.hours_apart)).fill_null(value=False)
    if release.linked_negative:
        met = met & pl.col("linked_negative")
    return (
        laid.join(summary, on="person_id", how="left")
        .with_columns(released=met)
        .drop("results", "negatives", "span")
    )


def _listed(book: Rulebook, index: int, phase: int, laid: pl.DataFrame, today: date) -> pl.DataFrame:
    rule = book.rules[index]
    template = rule.orders[phase]
    now = pl.lit(today)
    ends = pl.when("runs_on").then("latest").otherwise("until")
    opens = pl.col("opens")
    kept_away = ~opens & pl.col("exempt") & (pl.col("would_open") <= pl.col("until")) & (pl.col("until") >= now)
    rows = laid.filter(~pl.col("over")).with_columns(ends=ends)
    rows = rows.filter((opens & (pl.col("ends") >= now)) | kept_away)
    shows_exemption = pl.col("exempt") & (~opens | (pl.col("exempt_until") >= now))
    shapes = rows.filter(opens).select("clock", "opened", "runs_on").unique()
    heads = [order_head(rule, template, clock, opened, awaits) for clock, opened, awaits in shapes.iter_rows()]
    shapes = shapes.with_columns(head=pl.Series(heads, dtype=pl.String))
    fulfil_by = pl.lit(None, dtype=pl.String)
    if template.fulfil_hours is not None:
        due = pl.col("known") + pl.duration(hours=template.fulfil_hours)
        fulfil_by = due.dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return rows.join(shapes, on=["clock", "opened", "runs_on"], how="left").select(
        "person_id",
        "rule",
        phase=pl.lit(phase, dtype=pl.Int16),
        listed=opens,
        starts="opened",
        rank=pl.lit(CODE_RANK[template.code], dtype=pl.Int16),
        change=pl.when(~opens)
        .then(pl.col("until") + _DAY)
        .when(pl.col("opened") > now)
        .then("opened")
        .otherwise(pl.col("ends") + _DAY),
        evidence="evidence",
        head="head",
        fulfil_by=fulfil_by,
        exempt_id=pl.when(shows_exemption).then("exempt_id"),
    )


def _nothing(winning: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        schema={
            "person_id": winning.schema["person_id"],
            "rule": pl.Int16,
            "phase": pl.Int16,
            "listed": pl.Boolean,
            "starts": pl.Date,
            "rank": pl.Int16,
            "change": pl.Date,
            "evidence": pl.String,
            "head": pl.String,
            "fulfil_by": pl.String,
            "exempt_id": pl.String,
        }
    )
