"""Everything that the log can say is said in words on its pages."""

import re
from pathlib import Path

from qipan.foundation.pages.actions import action_words

SOURCE = Path(__file__).resolve().parents[1] / "src" / "qipan"
_ACTION = re.compile(r'action="([a-z_]+(?:\.[a-z_]+)*)"')
#: argparse's own word
_OTHER = {"store_true", "append"}


def actions() -> set[str]:
    files = [path for path in SOURCE.rglob("*.py") if not {"tests", "migrations"} & set(path.parts)]
    return {name for path in files for name in _ACTION.findall(path.read_text(encoding="utf-8"))} - _OTHER


def test_every_action_has_words():
    assert len(actions()) > 60
    assert sorted(action for action in actions() if action_words(action) == action) == []
