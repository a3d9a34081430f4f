"""The 9th edition's rules written by hand in Polars, for `qipan bench decide`: what the rulebook is measured against.

Only what the benchmark's ledger needs: five rules, corrections without chains, no exemptions. Its orders leave out
test days, review and deadline.
"""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

ZONE = "Asia/Shanghai"
AUTHORITY = "control plan, 9th edition"
_RANK = {"red": 2, "yellow": 1}


def decide_by_hand(path: Path, moment: datetime) -> pl.DataFrame:
    """person_id, code, orders, reasons of everybody in the file."""
    today = pl.lit(moment).dt.convert_time_zone(ZONE).dt.date()
    every = pl.scan_parquet(path)
    known = every.filter((pl.col("at") <= moment) & (pl.col("recorded_at") <= moment))
    value = pl.col("value")
    positive = (pl.col("kind") == "test") & value.str.contains('"positive"', literal=True)
    other = pl.col("kind").is_in(["exposure", "diagnosis", "arrival", "recovery", "correction"])
    people, rows = pl.collect_all(
        [every.select("person_id").unique(), known.filter(other | positive)], engine="streaming"
    )
    gone = rows.filter(pl.col("kind") == "correction").select("person_id", evidence_id="voids")
    rows = rows.join(gone, on=["person_id", "evidence_id"], how="anti").with_columns(
        day=pl.col("at").dt.convert_time_zone(ZONE).dt.date()
    )
    triggers = _triggers(rows)
    contacts = triggers.filter(pl.col("rule") == "contact")
    second = triggers.filter(pl.col("rule") == "contact-of-contact")
    concerned = pl.concat([triggers.select("person_id"), second.select(person_id="linked")]).unique()
    tests = (
        known.filter(pl.col("kind") == "test")
        .join(concerned.lazy(), on="person_id", how="semi")
        .collect(engine="streaming")
        .join(gone, on=["person_id", "evidence_id"], how="anti")
        .with_columns(result=value.str.json_path_match("$.result"))
        .select("person_id", "evidence_id", "at", "recorded_at", "result")
    )
    second = _linked(second, _latest(contacts), tests)
    rest = triggers.filter(pl.col("rule") != "contact-of-contact").with_columns(linked_negative=pl.lit(value=False))
    winning = _latest(pl.concat([rest, second]))
    orders = _orders(_not_ended(winning, rows), tests, today)
    return _answer(people, orders, today)


def _midnight(day: pl.Expr) -> pl.Expr:
    return day.cast(pl.Datetime("us")).dt.replace_time_zone(ZONE).dt.convert_time_zone("UTC")


def _latest(triggers: pl.DataFrame) -> pl.DataFrame:
    return triggers.sort("since", "known", "evidence", descending=[True, False, False]).unique(
        ["person_id", "rule"], keep="first", maintain_order=True
    )


def _triggers(rows: pl.DataFrame) -> pl.DataFrame:
    value = pl.col("value")
    exposures = rows.filter(pl.col("kind") == "exposure").with_columns(
        last=value.str.json_path_match("$.last").str.to_date(),
        first=value.str.json_path_match("$.first").str.to_date(),
        contact_class=value.str.json_path_match("$.class").fill_null("close"),
    )

    def form(frame: pl.DataFrame, rule: pl.Expr, clock: str, since: pl.Expr, first: str) -> pl.DataFrame:
        return frame.select(
            "person_id", rule=rule, evidence=pl.concat_list(pl.col("evidence_id").cast(pl.String)),
            clock=clock, since=since, known="recorded_at", linked="linked_person_id", first=first,
        )  # fmt: skip

    class_rule = pl.col("contact_class").replace_strict({"close": "contact", "secondary": "contact-of-contact"})
    diagnosed = value.str.json_path_match("$.classification").is_in(["confirmed", "asymptomatic"])
    abroad = ~value.str.json_path_match("$.origin_area").str.contains(r"^\d{6}")
    at = pl.col("at")
    kind = pl.col("kind")
    return pl.concat(
        [
            form(exposures, class_rule, "last", _midnight(pl.col("last")), "first"),
            form(rows.filter(kind == "test"), pl.lit("positive-test"), "day", at, "day"),
            form(rows.filter((kind == "diagnosis") & diagnosed), pl.lit("case"), "day", at, "day"),
            form(rows.filter((kind == "arrival") & abroad), pl.lit("arrival-abroad"), "day", at, "day"),
        ]
    )


def _linked(second: pl.DataFrame, contacts: pl.DataFrame, tests: pl.DataFrame) -> pl.DataFrame:
    second = second.with_row_index("n")
    first = (
        second.join(contacts.select(linked="person_id", own="clock"), on="linked", how="left")
        .select("n", person_id="linked", start=_midnight(pl.coalesce("own", "first")))
        .join(tests, on="person_id")
        .filter(pl.col("at") >= pl.col("start"))
        .with_columns(by=pl.col("evidence_id").cast(pl.String))
        .sort("n", "at", "by")
        .group_by("n", maintain_order=True)
        .head(2)
    )
    negative = first.group_by("n").agg(linked_negative=(pl.col("result") == "negative").sum() == 2)
    positive = (
        first.filter(pl.col("result") == "positive")
        .sort("recorded_at", "by")
        .unique("n", keep="first", maintain_order=True)
        .select("n", "by", by_known="recorded_at")
    )
    moved = pl.col("by").is_not_null()
    return (
        second.join(negative, on="n", how="left")
        .join(positive, on="n", how="left")
        .select(
            "person_id",
            rule=pl.when(moved).then(pl.lit("contact")).otherwise("rule"),
            evidence=pl.when(moved).then(pl.concat_list("evidence", "by").list.sort()).otherwise("evidence"),
            clock="clock",
            since="since",
            known=pl.max_horizontal("known", "by_known"),
            linked="linked",
            first="first",
            linked_negative=pl.col("linked_negative").fill_null(value=False),
        )
    )


def _not_ended(winning: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    diagnosed = rows.filter(pl.col("kind") == "diagnosis").group_by("person_id").agg(diagnosed=pl.col("at").max())
    recovered = rows.filter(pl.col("kind") == "recovery").group_by("person_id").agg(recovered=pl.col("at").max())
    end = pl.when(pl.col("rule") == "case").then("recovered").otherwise("diagnosed")
    # a positive test within 28 days after a diagnosis tells nothing new
    back = pl.when(pl.col("rule") == "positive-test").then(pl.duration(days=28)).otherwise(pl.duration(days=0))
    return (
        winning.join(diagnosed, on="person_id", how="left")
        .join(recovered, on="person_id", how="left")
        .filter((end + back < pl.col("since")).fill_null(value=True))
    )


def _released(winning: pl.DataFrame, tests: pl.DataFrame, from_day: int) -> pl.DataFrame:
    """Columns negatives, span: the person's negatives after the last positive, from a day of the clock."""
    need = pl.max_horizontal("since", _midnight(pl.col("clock") + timedelta(days=from_day)))
    mine = (
        winning.select("person_id", need=need)
        .join(tests, on="person_id")
        .filter(pl.col("at") >= pl.col("need"))
        .with_columns(last=pl.col("at").filter(pl.col("result") == "positive").max().over("person_id"))
        .filter((pl.col("result") == "negative") & (pl.col("at") > pl.col("last")).fill_null(value=True))
        .group_by("person_id")
        .agg(negatives=pl.len(), span=pl.col("at").max() - pl.col("at").min())
    )
    return winning.join(mine, on="person_id", how="left").with_columns(pl.col("negatives").fill_null(0))


def _order(
    winning: pl.DataFrame, kind: str, code: str, days: tuple[int, int, int], today: pl.Expr, met: pl.Expr
) -> pl.DataFrame:
    clock = pl.col("clock")
    return (
        winning.select(
            "person_id", "rule", "evidence",
            starts=pl.max_horizontal(
                clock + timedelta(days=days[0]), pl.col("known").dt.convert_time_zone(ZONE).dt.date()
            ),
            until=clock + timedelta(days=days[1]), latest=clock + timedelta(days=days[2]), met=met,
            kind=pl.lit(kind), rank=pl.lit(_RANK[code]),
        )
        .filter(pl.col("starts") <= pl.col("until"))
        .with_columns(awaiting=(pl.col("until") < today) & ~pl.col("met"))
        .filter(pl.when("awaiting").then("latest").otherwise("until") >= today)
        .drop("met")
    )  # fmt: skip


def _orders(winning: pl.DataFrame, tests: pl.DataFrame, today: pl.Expr) -> pl.DataFrame:
    def of(rule: str) -> pl.DataFrame:
        return winning.filter(pl.col("rule") == rule)

    yes = pl.lit(value=True)
    two = (pl.col("negatives") >= 2) & (pl.col("span") >= timedelta(hours=24))
    positive, case = _released(of("positive-test"), tests, 0), _released(of("case"), tests, 0)
    second = _released(of("contact-of-contact"), tests, 7)
    released = (pl.col("negatives") >= 1) & pl.col("linked_negative")
    followed = winning.filter(pl.col("rule").is_in(["contact", "arrival-abroad"]))
    return pl.concat(
        [
            _order(positive.filter(~two.fill_null(value=False)), "isolate", "red", (0, 2, 5), today, ~yes),
            _order(case, "isolate", "red", (0, 7, 28), today, two.fill_null(value=False)),
            _order(followed, "quarantine_central", "red", (0, 7, 7), today, yes),
            _order(followed, "monitor_home", "yellow", (8, 10, 10), today, yes),
            _order(second, "quarantine_home", "red", (0, 7, 10), today, released),
        ]
    )


def _answer(people: pl.DataFrame, orders: pl.DataFrame, today: pl.Expr) -> pl.DataFrame:
    fields = ("kind", "starts", "until", "latest", "rule", "awaiting", "evidence")
    noted = (
        orders.sort("person_id", "starts")
        .with_columns(pl.col("starts", "until", "latest").cast(pl.String))
        .with_columns(
            order=pl.struct(*fields).struct.json_encode(),
            reason=pl.struct("rule", pl.lit(AUTHORITY).alias("authority"), "evidence").struct.json_encode(),
            binding=pl.when(pl.col("starts").str.to_date() <= today).then("rank").otherwise(0),
        )
        .group_by("person_id")
        .agg(
            rank=pl.col("binding").max(),
            orders=pl.format("[{}]", pl.col("order").str.join(",")).first(),
            reasons=pl.format("[{}]", pl.col("reason").unique().str.join(",")).first(),
        )
    )
    return people.join(noted, on="person_id", how="left").select(
        "person_id",
        code=pl.col("rank").fill_null(0).replace_strict({0: "green", 1: "yellow", 2: "red"}),
        orders=pl.col("orders").fill_null("[]"),
        reasons=pl.col("reasons").fill_null("[]"),
    )
