"""Files for the tests of this room: written, imported, and what came of them."""

from datetime import datetime
from pathlib import Path
from typing import Any

from qipan.foundation.intake.services import file_import
from qipan.terms.roles import Actor


def csv(folder: Path, name: str, *lines: str) -> Path:
    """A CSV file of these lines."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def take(kind: str, path: Path, *, actor: Actor, at: datetime, **more: Any) -> Any:
    """Import a file of the source "cdc"."""
    return file_import(actor=actor, kind=kind, path=path, source="cdc", at=at, **more)


def totals(result: Any) -> tuple[int, int, int, int]:
    """declared, accepted, rejected, duplicate."""
    return (result.declared, result.accepted, result.rejected, result.duplicate)
