"""The lint contracts hold, and each one fails on a planted violation."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: contract -> (file to plant, a line that breaks it)
VIOLATIONS = {
    "House": ("src/qipan/terms/planted.py", "import qipan.foundation.clock\n"),
    "Floors": ("src/qipan/rooms/geography/selectors_planted.py", "import qipan.rooms.control.models\n"),
    "Inside every room": ("src/qipan/rooms/control/rules.py", "import qipan.rooms.control.models\n"),
    "Inside the foundation": ("src/qipan/foundation/clock.py", "import qipan.foundation.audit.models\n"),
    "Terms, kernels": ("src/qipan/kernels/planted.py", "import random\n"),
    "Only the persons room": ("src/qipan/rooms/persons/intake.py", "import qipan.rooms.persons.identity\n"),
    "No import cycles": (
        "src/qipan/foundation/audit/planted_cycle.py",
        "import qipan.foundation.access.models\n",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    environment = {"PYTHONPATH": str(folder / "src"), "PATH": "/usr/bin:/bin", "COLUMNS": "300"}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    ignore = shutil.ignore_patterns("__pycache__", "*.egg-info", "data", "locale")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_house_holds(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("contract", VIOLATIONS)
def test_a_planted_violation_is_found(copy: Path, contract: str) -> None:
    name, line = VIOLATIONS[contract]
    target = copy / name
    target.write_text((target.read_text() if target.exists() else "") + "\n" + line)
    result = lint(copy)
    assert result.returncode != 0
    broken = [text for text in result.stdout.splitlines() if " BROKEN" in text]
    assert any(text.startswith(contract) for text in broken), result.stdout


def test_a_room_outside_the_plan_is_found(copy: Path) -> None:
    room = copy / "src/qipan/rooms/attic"
    room.mkdir()
    (room / "__init__.py").touch()
    result = lint(copy)
    assert result.returncode != 0
    assert "attic" in result.stdout
