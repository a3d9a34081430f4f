"""Which mapping a file is read with: by names, as the last file of this source, one that is shipped, one's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext

from qipan.foundation.intake.kinds import FileKind, file_kind
from qipan.foundation.intake.mapping import load_mapping, shipped_mappings
from qipan.foundation.intake.models import Batch
from qipan.foundation.intake.selectors import access_batch, list_batches
from qipan.foundation.intake.uploads import Upload
from qipan.terms.errors import BadInput, QipanError
from qipan.terms.roles import Actor

NAMES, OWN = "names", "own"


def _earlier(actor: Actor, kind: str, source: str) -> list[Batch]:
    """Complete batches of this kind and source whose mapping says more than a header row and a zone, newest first."""
    batches = list_batches(actor, kind=kind).filter(source=source, state=Batch.State.COMPLETE)[:20]
    seen: list[Batch] = []
    for batch in batches:
        if set(batch.mapping) - {"header_row", "time_zone"} and all(batch.mapping != each.mapping for each in seen):
            seen.append(batch)
    return seen[:5]


def choices(actor: Actor, upload: Upload) -> Sequence[tuple[str, str]]:
    """(value, words) of the mappings that can be chosen for a file."""
    kind = file_kind(upload.kind)
    found = [(NAMES, gettext("by the names of the columns"))]
    if upload.mapping_from == OWN:
        found.append((OWN, gettext("as you chose the columns below")))
    found += [
        (f"batch:{batch.pk}", gettext("as batch %(batch)s of this source was read") % {"batch": batch.pk})
        for batch in _earlier(actor, upload.kind, upload.source)
    ]
    return [*found, *((f"shipped:{name}", title) for name, title in shipped_mappings(kind))]


def proposed(actor: Actor, upload: Upload, zone: str) -> tuple[str, dict[str, Any]]:
    """(choice, mapping) to begin with: as the last file of this source was read, else by names."""
    earlier = _earlier(actor, upload.kind, upload.source)
    if earlier:
        return f"batch:{earlier[0].pk}", _of_batch(earlier[0])
    return NAMES, {"time_zone": zone}


def _of_batch(batch: Batch) -> dict[str, Any]:
    # the header may stand in another row this time: it is looked for again
    return {key: value for key, value in batch.mapping.items() if key != "header_row"}


def chosen(actor: Actor, upload: Upload, choice: str, zone: str) -> dict[str, Any]:
    """The mapping behind a choice, as a dict. Raises BadInput for one that is not there."""
    kind = file_kind(upload.kind)
    if choice == OWN and upload.mapping_from == OWN:
        return dict(upload.mapping)
    if choice == NAMES:
        return {"time_zone": zone}
    where, _colon, name = choice.partition(":")
    try:
        if where == "batch" and name.isascii() and name.isdigit() and len(name) < 18:
            batch = access_batch(actor, int(name))
            if (batch.kind, batch.source) == (upload.kind, upload.source):
                return _of_batch(batch)
        elif where == "shipped" and name in dict(shipped_mappings(kind)):
            return dict(load_mapping(name, kind).raw)
    except QipanError:
        pass
    raise BadInput("There is no mapping called %(name)s.", name=choice[:60])


def with_columns(
    base: Mapping[str, Any], kind: FileKind, header: Sequence[str], answers: Mapping[str, str]
) -> dict[str, Any]:
    """A mapping with the columns that somebody chose: ours -> theirs, "" where the file has none for it.

    Raises BadInput for a column that the file does not have.
    """
    columns = dict(base.get("columns", {}))
    constants = dict(base.get("constants", {}))
    derive = dict(base.get("derive", {}))
    known = {name.casefold() for name in header}
    for column in kind.columns:
        if column.name not in answers:
            continue
        theirs = answers[column.name]
        if theirs and theirs not in header:
            raise BadInput("The file has no column called %(column)s.", column=theirs[:60])
        columns.pop(column.name, None)
        constants.pop(column.name, None)
        derive.pop(column.name, None)
        if theirs:
            columns[column.name] = theirs
        elif any(name.casefold() in known for name in (column.name, *column.aliases)):
            # said to be left out, although the file has a column of that name
            constants[column.name] = ""
    made = {key: value for key, value in base.items() if key not in ("columns", "constants", "derive")}
    parts = (("columns", columns), ("constants", constants), ("derive", derive))
    return {**made, **{name: part for name, part in parts if part}}
