"""People as a table that comes in again: pseudonyms. Who they are stays in the vault."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from qipan.foundation.exports.kinds import ExportKind
from qipan.rooms.persons.selectors import list_persons
from qipan.terms.identity import person_code
from qipan.terms.roles import Actor, Permission

#: those of the file kind of this name (a test holds them equal)
COLUMNS = (
    "source_id", "name", "document_kind", "document_number", "birth_date", "sex", "phone", "area", "address",
    "household",
)  # fmt: skip


def person_rows(actor: Actor, area_path: str, at: datetime) -> Iterator[Sequence[object]]:
    """Code, sex, area and household; names, documents, birth dates, phones and addresses are empty.

    The code stands behind "qipan-": where the file comes in, an id of a source cannot be taken for a code there.
    """
    people = list_persons(actor, area_path).filter(purged_at=None).values_list(
        "pk", "sex", "area__code", "household_id"
    )  # fmt: skip
    for pk, sex, area, household in people.iterator():
        code = person_code(pk)
        yield (f"qipan-{code}", None, None, None, None, sex, None, area, None, f"H{household}" if household else None)


PERSONS = ExportKind(
    "persons", "People as pseudonyms", COLUMNS, person_rows,
    Permission.PERSON_VIEW,
)  # fmt: skip
