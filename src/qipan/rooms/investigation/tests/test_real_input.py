"""The real line lists of early 2020, through mappings that are data, into the ledger, under the 8th edition."""

import csv
import json
import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings

from qipan.cli.main import main
from qipan.foundation.intake.services import file_import
from qipan.rooms.control.models import Evidence
from qipan.rooms.control.selectors import ledger_frame
from qipan.rooms.control.selectors.reconciling import reconcile_ledger
from qipan.rooms.investigation.intake.rows import FUTURE, NO_CASE
from qipan.rooms.investigation.models import Case, Contact
from qipan.rooms.investigation.selectors import chains
from qipan.terms.roles import SYSTEM_ACTOR

if TYPE_CHECKING:
    from tests.cast import Cast

PAIRS = "china_2020_transmission_pairs_1407.csv"
TIANJIN = "tianjin_2020_135cases.csv"
SINGAPORE = "singapore_2020_93cases.csv"
LISTS = settings.PACKAGE.parents[2] / "shared" / "data" / "linelists"
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.shared_data,
    pytest.mark.skipif(not LISTS.is_dir(), reason="the open data sets are not beside the checkout"),
]
#: the last of the three lists ends with February
THEN = datetime.fromisoformat("2020-03-01T00:00:00+08:00")


def take(kind: str, file: str, mapping: str) -> Any:
    return file_import(
        actor=SYSTEM_ACTOR,
        kind=kind,
        path=LISTS / file,
        source=mapping.removesuffix(f"_{kind}"),
        at=THEN,
        mapping=mapping,
        what_if=True,
    )


def reasons(result: Any) -> Counter[tuple[str, str]]:
    return Counter((reject["column"], reject["reason"]) for reject in result.rejects)


def totals(result: Any) -> tuple[int, int, int, int]:
    assert result.declared == result.accepted + result.rejected + result.duplicate
    return (result.declared, result.accepted, result.rejected, result.duplicate)


def test_transmission_pairs_and_their_serial_interval(cast: "Cast") -> None:
    cases = take("cases", PAIRS, "transmission_pairs_2020_cases")
    # an infector comes back with each infectee; two come back as somebody else (another sex) and are shown
    assert totals(cases) == (2814, 2050, 2, 762)
    assert [reject["row"] for reject in cases.rejects] == [364, 896]
    assert "infector_reportCity" in cases.columns_aside
    contacts = take("contacts", PAIRS, "transmission_pairs_2020_contacts")
    assert totals(contacts) == (1407, 1407, 0, 0)
    # the file has no day of exposure, and none is invented
    assert contacts.finished["without_evidence"] == 1407
    assert not Evidence.objects.filter(kind="exposure").exists()
    assert Case.objects.filter(onset_date=None).count() > 600

    found = chains(SYSTEM_ACTOR, source="transmission_pairs_2020")
    assert (found.cases, found.pairs, found.chains) == (2050, 1407, 643)
    si = found.serial_interval
    assert (si.n, si.negative) == (679, 54)
    assert si.mean == pytest.approx(5.09, abs=0.005)
    assert si.sd == pytest.approx(5.26, abs=0.006)
    assert reconcile_ledger().agrees


def test_tianjin_with_its_exchanged_days(cast: "Cast") -> None:
    cases = take("cases", TIANJIN, "tianjin_2020_cases")
    assert totals(cases) == (135, 126, 9, 0)
    # day and month exchanged: reported where they stand, not mended
    assert {(reject["row"], reject["column"]) for reject in cases.rejects} == {
        *((row, "report_date") for row in (80, 103, 120)),
        *((row, "onset_date") for row in (121, 127, 129, 131, 132, 134)),
    }
    assert set(reasons(cases)) == {("report_date", FUTURE), ("onset_date", FUTURE)}
    assert Case.objects.filter(outcome="died").count() == 3

    contacts = take("contacts", TIANJIN, "tianjin_2020_contacts")
    with (LISTS / TIANJIN).open(encoding="utf-8") as file:
        numbers = [len(re.findall(r"\d+", row["Infection_source"])) for row in csv.DictReader(file)]
    # every number in the text is a contact, every row without one is told
    assert totals(contacts) == (161, 76, 85, 0)
    assert contacts.declared == sum(numbers) + numbers.count(0)
    assert reasons(contacts)["", "The mapping makes no record of this row."] == numbers.count(0)
    assert reasons(contacts)["from_case_id", NO_CASE] + reasons(contacts)["to_case_id", NO_CASE] == 11

    def infectors(case: str) -> set[str]:
        named = Contact.objects.filter(to_case__case_id=case)
        return set(named.values_list("from_case__case_id", flat=True))

    assert infectors("TJ63") == {"TJ27"}
    assert infectors("TJ36") == {"TJ34"}
    assert infectors("TJ12") == {"TJ5"}
    assert infectors("TJ43") == {"TJ34", "TJ37"}
    # "close contact ofTJ93, TJ107, TJ119 and TJ121": 119 was rejected; the row's own last day is wrong besides
    assert infectors("TJ127") == set()
    assert infectors("TJ1") == set()
    found = chains(SYSTEM_ACTOR, source="tianjin_2020")
    assert (found.pairs, found.multiple_infectors) == (76, 17)
    # mother and daughter name each other
    assert len(found.circles) == 2


def test_singapore_and_its_relations_without_direction(cast: "Cast") -> None:
    cases = take("cases", SINGAPORE, "singapore_2020_cases")
    assert totals(cases) == (93, 93, 0, 0)
    assert Evidence.objects.filter(kind="recovery").count() == 62
    assert Case.objects.get(case_id="28").person.birth_year == 2020  # half a year old
    contacts = take("contacts", SINGAPORE, "singapore_2020_contacts")
    assert totals(contacts) == (145, 102, 43, 0)
    # one case is in its own list of related cases
    assert reasons(contacts)["from_case_id", "A case is not a contact of itself."] == 1
    found = chains(SYSTEM_ACTOR, source="singapore_2020")
    assert found.pairs == 102
    assert len(found.circles) == 13


def test_the_loop_under_the_eighth_edition(
    cast: "Cast", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file, name in ((PAIRS, "transmission_pairs"), (TIANJIN, "tianjin"), (SINGAPORE, "singapore")):
        for kind in ("cases", "contacts"):
            take(kind, file, f"{name}_2020_{kind}")
    people = set(Evidence.objects.values_list("person_id", flat=True))
    assert len(people) == 2050 + 126 + 93
    ledger = tmp_path / "ledger.parquet"
    ledger_frame(sorted(people), disease="covid19").write_parquet(ledger)
    command = ["decide", "--evidence", str(ledger), "--rulebook", "covid19-cn-8", "--at", THEN.isoformat()]
    # the book was not in force then: only as a trial
    assert main([*command, "--json"]) == 2
    assert "--what-if" in capsys.readouterr().err
    assert main([*command, "--json", "--what-if"]) == 0
    decided = json.loads(capsys.readouterr().out)
    assert (decided["persons"], decided["not_yet"]) == (2269, 0)
    assert sum(decided["codes"].values()) == 2269
    # the cases of the last two weeks are isolated; those who recovered are not
    assert decided["codes"]["red"] == decided["orders"]["isolate"] > 100
    recent = Case.objects.filter(report_date__gte="2020-02-16").exclude(outcome="recovered")
    assert decided["orders"]["isolate"] >= recent.count()
