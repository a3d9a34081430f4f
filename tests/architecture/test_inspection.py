"""The house's own rules hold, and each check finds the violation planted for it."""

from pathlib import Path

import pytest
from django.apps import apps

from tests.architecture.inspection import CHECKS

SOURCE = Path(__file__).resolve().parents[2] / "src" / "qipan"

PLANTED = {
    "hidden imports": [
        ("rooms/a/services.py", "from django.apps import apps\nX = apps.get_model('b', 'C')\n"),
        ("rooms/a/services.py", "import importlib\nX = importlib.import_module('qipan')\n"),
        ("rooms/a/services.py", "X = __import__('qipan')\n"),
        ("rooms/a/services.py", "from . import models\n"),
    ],
    "past the doors": [
        ("rooms/a/services.py", "from qipan.rooms.b.models import C\n"),
        ("cli/a.py", "from qipan.rooms.b.models import C\n"),
    ],
    "clock or chance in pure code": [
        ("kernels/a.py", "from datetime import datetime\nX = datetime.now()\n"),
        ("rooms/a/rules.py", "from datetime import date\nX = date.today()\n"),
        ("rulebooks/a.py", "import numpy as np\nX = np.random.default_rng()\n"),
    ],
    "signals outside the foundation": [
        ("rooms/a/services.py", "@receiver(post_save)\ndef react(sender):\n    pass\n"),
    ],
    "long modules": [("rooms/a/services.py", "X = 1\n" * 501)],
    "drawer names": [("rooms/a/utils.py", "")],
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_tree_is_clean(check: str) -> None:
    assert CHECKS[check](SOURCE) == []


@pytest.mark.parametrize(("check", "name", "text"), [(c, *plant) for c, plants in PLANTED.items() for plant in plants])
def test_a_planted_violation_is_found(tmp_path: Path, check: str, name: str, text: str) -> None:
    target = tmp_path / name
    target.parent.mkdir(parents=True)
    target.write_text(text)
    assert CHECKS[check](tmp_path) != []


FLOORS = [
    {"geography"},
    {"organizations"},
    {"persons", "diseases"},
    {"places"},
    {"control"},
    {"surveillance", "investigation", "screening", "testing", "quarantine", "fieldwork", "measures"},
    {"directives", "resources"},
    {"scenarios", "bulletins"},
    {"command"},
]


def upward_keys(edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The (from app, to app) pairs that point to the same or a higher floor, other than within a room."""
    floor = {app: number for number, names in enumerate(FLOORS) for app in names}
    return [(a, b) for a, b in edges if a != b and b in floor and floor.get(a, -1) <= floor[b]]


def test_foreign_keys_point_down() -> None:
    edges = [
        (model._meta.app_label, field.related_model._meta.app_label)
        for model in apps.get_models()
        for field in model._meta.get_fields()
        if field.is_relation and field.concrete and field.related_model is not None
    ]
    assert len(edges) > 20
    assert upward_keys(edges) == []


def test_an_upward_key_is_found() -> None:
    assert upward_keys([("geography", "control"), ("persons", "diseases"), ("access", "geography")]) != []
    assert upward_keys([("control", "persons"), ("persons", "persons")]) == []
