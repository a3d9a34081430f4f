"""The same five rules by hand in DuckDB SQL, for `qipan bench decide` (needs the development extra `duckdb`)."""

from datetime import datetime
from pathlib import Path

_SQL = """
WITH known AS (
  SELECT *, CAST(("at" AT TIME ZONE 'UTC') + INTERVAL 8 HOUR AS DATE) AS day
  FROM read_parquet($file) WHERE "at" <= $moment AND recorded_at <= $moment
), gone AS (
  SELECT person_id, voids AS evidence_id FROM known WHERE kind = 'correction'
), picked AS MATERIALIZED (
  SELECT * FROM known WHERE (kind IN ('exposure', 'diagnosis', 'arrival', 'recovery')
      OR (kind = 'test' AND contains(value, '"positive"')))
    AND NOT EXISTS (FROM gone WHERE gone.person_id = known.person_id AND gone.evidence_id = known.evidence_id)
), exposures AS (
  SELECT *, CAST((value->>'$.last') AS DATE) AS last, CAST((value->>'$.first') AS DATE) AS first,
    coalesce((value->>'$.class'), 'close') AS contact_class FROM picked WHERE kind = 'exposure'
), triggers AS MATERIALIZED (
  SELECT person_id, CASE contact_class WHEN 'close' THEN 'contact' ELSE 'contact-of-contact' END AS rule,
    evidence_id::VARCHAR AS ev, last AS clock, (last::TIMESTAMP - INTERVAL 8 HOUR) AT TIME ZONE 'UTC' AS since,
    recorded_at AS known, linked_person_id AS linked, first FROM exposures WHERE contact_class IN ('close', 'secondary')
  UNION ALL
  SELECT person_id, CASE kind WHEN 'test' THEN 'positive-test' WHEN 'diagnosis' THEN 'case' ELSE 'arrival-abroad' END,
    evidence_id::VARCHAR, day, "at", recorded_at, linked_person_id, day FROM picked
  WHERE kind = 'test' OR (kind = 'diagnosis' AND (value->>'$.classification') IN ('confirmed', 'asymptomatic'))
    OR (kind = 'arrival' AND NOT regexp_matches((value->>'$.origin_area'), '^[0-9]{6}'))
), concerned AS (
  SELECT person_id FROM triggers UNION SELECT linked FROM triggers WHERE rule = 'contact-of-contact'
), tests AS MATERIALIZED (
  SELECT person_id, evidence_id, "at", recorded_at, (value->>'$.result') AS result FROM known
  WHERE kind = 'test' AND person_id IN (FROM concerned)
    AND NOT EXISTS (FROM gone WHERE gone.person_id = known.person_id AND gone.evidence_id = known.evidence_id)
), contacts AS (
  SELECT person_id, max(clock) AS own FROM triggers WHERE rule = 'contact' GROUP BY 1
), firsts AS (
  SELECT s.ev, t.result, t.evidence_id::VARCHAR AS test_ev, t.recorded_at,
    row_number() OVER (PARTITION BY s.ev ORDER BY t."at", t.evidence_id::VARCHAR) AS n
  FROM triggers s LEFT JOIN contacts c ON c.person_id = s.linked JOIN tests t ON t.person_id = s.linked
    AND t."at" >= (coalesce(c.own, s.first)::TIMESTAMP - INTERVAL 8 HOUR) AT TIME ZONE 'UTC'
  WHERE s.rule = 'contact-of-contact'
), links AS (
  SELECT ev, count(*) FILTER (result = 'negative') = 2 AS linked_negative,
    arg_min(test_ev, (recorded_at, test_ev)) FILTER (result = 'positive') AS by_ev,
    min(recorded_at) FILTER (result = 'positive') AS by_known
  FROM firsts WHERE n <= 2 GROUP BY ev
), settled AS (
  SELECT person_id, clock, since, CASE WHEN by_ev IS NOT NULL THEN 'contact' ELSE rule END AS rule,
    CASE WHEN by_ev IS NOT NULL THEN list_sort([t.ev, by_ev]) ELSE [t.ev] END AS evidence,
    greatest(t.known, coalesce(by_known, t.known)) AS known, coalesce(linked_negative, false) AS linked_negative
  FROM triggers t LEFT JOIN links l ON l.ev = t.ev AND t.rule = 'contact-of-contact'
), winning AS MATERIALIZED (
  SELECT * FROM settled s
  WHERE NOT EXISTS (FROM picked r WHERE r.person_id = s.person_id
      AND r."at" + CASE s.rule WHEN 'positive-test' THEN INTERVAL 28 DAY ELSE INTERVAL 0 DAY END >= s.since
      AND r.kind = CASE s.rule WHEN 'case' THEN 'recovery' ELSE 'diagnosis' END)
  QUALIFY row_number() OVER (PARTITION BY person_id, rule ORDER BY since DESC, known, evidence) = 1
), need AS (
  SELECT w.person_id, w.rule, t."at", t.result,
    max(t."at") FILTER (t.result = 'positive') OVER (PARTITION BY w.person_id, w.rule) AS last_positive
  FROM winning w JOIN tests t ON t.person_id = w.person_id AND t."at" >= greatest(w.since,
    CASE w.rule WHEN 'contact-of-contact' THEN w.since + INTERVAL 7 DAY ELSE w.since END)
  WHERE w.rule IN ('case', 'positive-test', 'contact-of-contact')
), negatives AS (
  SELECT person_id, rule, count(*) AS n, max("at") - min("at") AS span FROM need
  WHERE result = 'negative' AND (last_positive IS NULL OR "at" > last_positive) GROUP BY 1, 2
), templates(rule, kind, rank, from_day, until_day, latest_day) AS (
  VALUES ('positive-test', 'isolate', 2, 0, 2, 5), ('case', 'isolate', 2, 0, 7, 28),
    ('contact', 'quarantine_central', 2, 0, 7, 7), ('contact', 'monitor_home', 1, 8, 10, 10),
    ('arrival-abroad', 'quarantine_central', 2, 0, 7, 7), ('arrival-abroad', 'monitor_home', 1, 8, 10, 10),
    ('contact-of-contact', 'quarantine_home', 2, 0, 7, 10)
), laid AS (
  SELECT w.person_id, w.rule, w.evidence, t.kind, t.rank,
    greatest(clock + from_day, CAST((known AT TIME ZONE 'UTC') + INTERVAL 8 HOUR AS DATE)) AS starts,
    clock + until_day AS until, clock + latest_day AS latest,
    CASE w.rule WHEN 'contact-of-contact' THEN coalesce(n.n, 0) >= 1 AND linked_negative
      WHEN 'contact' THEN true WHEN 'arrival-abroad' THEN true
      ELSE coalesce(n.n, 0) >= 2 AND n.span >= INTERVAL 24 HOUR END AS met
  FROM winning w JOIN templates t ON t.rule = w.rule
  LEFT JOIN negatives n ON n.person_id = w.person_id AND n.rule = w.rule
), orders AS (
  SELECT *, until < $today AND NOT met AS awaiting FROM laid
  WHERE starts <= until AND (CASE WHEN until < $today AND NOT met THEN latest ELSE until END) >= $today
    AND NOT (rule = 'positive-test' AND met)
), noted AS (
  SELECT person_id, max(CASE WHEN starts <= $today THEN rank ELSE 0 END) AS rank,
    to_json(list({'kind': kind, 'starts': starts, 'until': until, 'latest': latest, 'rule': rule,
      'awaiting': awaiting, 'evidence': evidence} ORDER BY starts))::VARCHAR AS orders,
    to_json(list(DISTINCT {'rule': rule, 'authority': 'control plan, 9th edition', 'evidence': evidence}))::VARCHAR
      AS reasons
  FROM orders GROUP BY 1
)
SELECT p.person_id, ['green', 'yellow', 'red'][1 + coalesce(rank, 0)] AS code,
  coalesce(orders, '[]') AS orders, coalesce(reasons, '[]') AS reasons
FROM (SELECT DISTINCT person_id FROM read_parquet($file)) p LEFT JOIN noted USING (person_id)
"""


def decide_in_duckdb(path: Path, moment: datetime, out: Path) -> None:
    """Decide everybody in `path`; the answer goes to the Parquet file `out`."""
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        today = connection.execute(
            "SELECT CAST((CAST($moment AS TIMESTAMPTZ) AT TIME ZONE 'UTC') + INTERVAL 8 HOUR AS DATE)::VARCHAR",
            {"moment": moment.isoformat()},
        ).fetchall()[0][0]
        sql = _SQL.replace("$file", f"'{path}'").replace("$out", f"'{out}'")
        sql = sql.replace("$moment", f"TIMESTAMPTZ '{moment.isoformat()}'").replace("$today", f"DATE '{today}'")
        connection.execute(f"COPY ({sql}) TO '{out}' (FORMAT parquet)")
