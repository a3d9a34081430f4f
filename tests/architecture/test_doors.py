"""Every service and selector that takes an actor is spoken to by the tests of its room or of the journeys."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "qipan"


#: part of a mutation whose own service has authorised it row by row; they say so and take the actor for the log
INSIDE_A_MUTATION = {
    "batch_void_evidence",
    "evidence_add",
    "evidence_add_frame",
    "evidence_void_batch",
    "insert_and_decide",
    "placement_inputs",
}


def doors(room: Path) -> Iterator[tuple[str, str]]:
    """(module, function) of every public function of a room's services and selectors that takes an actor."""
    for layer in ("services", "selectors"):
        for path in [room / f"{layer}.py", *sorted((room / layer).glob("*.py"))]:
            if not path.exists():
                continue
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    arguments = [a.arg for a in (*node.args.args, *node.args.kwonlyargs)]
                    if "actor" in arguments and node.name not in INSIDE_A_MUTATION:
                        yield str(path.relative_to(room.parents[1])), node.name


def untested(source: Path) -> list[str]:
    """Doors that no test of the room names in a file that also speaks of what is denied."""
    found = []
    for room in sorted((source / "rooms").iterdir()):
        tests = [path.read_text(encoding="utf-8") for path in room.glob("tests/*.py")]
        denying = [text for text in tests if any(w in text for w in ("Denied", "Absent", "denied", "== []"))]
        for module, name in doors(room):
            if not any(name in text for text in denying):
                found.append(f"{module}: {name}")
    return found


def test_every_door_is_tested_where_denial_is() -> None:
    assert untested(SOURCE) == []


def test_an_untested_door_is_found(tmp_path: Path) -> None:
    room = tmp_path / "rooms" / "attic"
    (room / "tests").mkdir(parents=True)
    (room / "services.py").write_text("def box_open(*, actor):\n    pass\n")
    (room / "tests" / "test_box.py").write_text("# nothing is Denied here\n")
    assert untested(tmp_path) == ["rooms/attic/services.py: box_open"]
