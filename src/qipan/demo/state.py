"""What the demonstration remembers between days, in files beside its database; no part of the product reads them.

`state.json` is written once a day is planned and again when it was run, each time by renaming a finished file: a
run that was killed goes on with the plan that it had.
"""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qipan.demo.outbreak import Outbreak
from qipan.terms.errors import BadInput

_STATE, _IDS = "state.json", "ids.npy"
VERSION = 1


@dataclass(slots=True)
class State:
    """Size and seed of the city, the outbreak, and what was promised for the next days."""

    people: int
    seed: int
    outbreak: Outbreak
    #: the last day that was planned and the last that was run (from 0; -1 none)
    planned: int = -1
    done: int = -1
    #: person number -> case id
    cases: dict[int, str] = field(default_factory=dict)
    #: people to sample tomorrow, singly: positive tubes, missed swabs, doubtful results
    again: list[int] = field(default_factory=list)
    #: person number -> days of negative results since he was isolated
    negatives: dict[int, list[int]] = field(default_factory=dict)
    #: specimens whose positive result is wrong -> (day, person); taken back the day after
    wrong: dict[str, tuple[int, int]] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        values: dict[str, Any] = {
            "version": VERSION, "people": self.people, "seed": self.seed, "outbreak": self.outbreak.to_json(),
            "planned": self.planned, "done": self.done, "cases": list(self.cases.items()), "again": self.again,
            "negatives": list(self.negatives.items()), "wrong": self.wrong,
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{_STATE}.part"
        with part.open("w", encoding="utf-8") as lines:
            json.dump(values, lines)
            lines.flush()
            os.fsync(lines.fileno())
        part.replace(folder / _STATE)


def state_load(folder: Path) -> State | None:
    """The state in a folder, None where no city was finished there. Raises BadInput for another version's."""
    path = folder / _STATE
    if not path.exists():
        return None
    values = json.loads(path.read_text(encoding="utf-8"))
    if values.pop("version") != VERSION:
        raise BadInput("This demonstration was made by another version: build it again with --fresh.")
    values["outbreak"] = Outbreak.from_json(values["outbreak"])
    values["cases"] = dict(values["cases"])
    values["negatives"] = dict(values["negatives"])
    values["wrong"] = {specimen: (day, person) for specimen, (day, person) in values["wrong"].items()}
    return State(**values)


def ids_save(folder: Path, ids: NDArray[np.int64]) -> None:
    """Keep the ids under which the people were registered, in the order of their numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / _IDS, ids)


def ids_load(folder: Path) -> NDArray[np.int64]:
    """The ids of the people in the order of their numbers."""
    ids: NDArray[np.int64] = np.load(folder / _IDS)
    return ids
