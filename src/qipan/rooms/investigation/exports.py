"""Line list and contacts as tables that come in again."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from qipan.foundation.access.scoping import scope, within
from qipan.foundation.exports.kinds import ExportKind
from qipan.rooms.investigation.models import Contact
from qipan.rooms.investigation.selectors import line_list
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

#: those of the file kind of this name (a test holds them equal)
CASE_COLUMNS = (
    "case_id", "person_id", "onset_date", "report_date", "classification", "sex", "age", "area", "outcome",
    "outcome_date", "source_case_id",
)  # fmt: skip
CONTACT_COLUMNS = (
    "from_case_id", "to_person_id", "to_case_id", "first_exposure", "last_exposure", "setting", "minutes",
    "distance_m", "class", "via_person_id",
)  # fmt: skip


class _Names:
    """A case's id; where several sources have the same, with its source before it."""

    def __init__(self, actor: Actor) -> None:
        counts = Counter(line_list(actor).values_list("case_id", flat=True))
        self._shared = {case_id for case_id, count in counts.items() if count > 1}

    def __call__(self, source: str, case_id: str) -> str:
        return f"{source}:{case_id}" if case_id in self._shared else case_id


def case_rows(actor: Actor, area_path: str, at: datetime) -> Iterator[Sequence[object]]:
    """The line list. `age`: the difference of calendar years, as no birth date is kept outside the vault."""
    names = _Names(actor)
    columns = (
        "source", "case_id", "person_id", "onset_date", "report_date", "classification", "person__sex",
        "person__birth_year", "area__code", "outcome", "outcome_date", "source_case_id",
    )  # fmt: skip
    rows = line_list(actor, below=area_path).order_by("pk").values_list(*columns).iterator()
    for source, case_id, person, onset, report, classification, sex, born, area, outcome, ended, infector in rows:
        day = report or onset
        yield (
            names(source, case_id), person_code(person), onset, report, classification, sex,
            day.year - born if day and born else None, area, outcome, ended,
            names(source, infector) if infector else None,
        )  # fmt: skip


def contact_rows(actor: Actor, area_path: str, at: datetime) -> Iterator[Sequence[object]]:
    """Contacts of the cases that the actor sees, wherever they live (as on the page of a case)."""
    names = _Names(actor)
    contacts = scope(Contact.objects.filter(voided_at=None), actor, Permission.CASE_VIEW, "from_case__area_path")
    contacts = contacts.filter(within(area_path, "from_case__area_path"), from_case__voided_at=None)
    columns = (
        "from_case__source", "from_case__case_id", "person_id", "to_case__source", "to_case__case_id",
        "first_exposure", "last_exposure", "setting", "minutes", "distance_m", "contact_class", "via_person_id",
    )  # fmt: skip
    rows = contacts.order_by("pk").values_list(*columns)
    for source, case, person, to_source, to_case, *rest, via in rows.iterator():
        first, last, setting, minutes, distance, contact_class = rest
        yield (
            names(source, case), person_code(person), names(to_source, to_case) if to_case else None, first, last,
            setting or None, minutes, distance, contact_class, person_code(via) if via is not None else None,
        )  # fmt: skip


CASES = ExportKind(
    "cases", "Line list", CASE_COLUMNS, case_rows, Permission.CASE_VIEW
)
CONTACTS = ExportKind(
    "contacts", "Contact list", CONTACT_COLUMNS, contact_rows,
    Permission.CASE_VIEW,
)  # fmt: skip
