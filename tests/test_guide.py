"""The user guide: its commands run, both languages say the same ones, and every chapter is shown."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from qipan.cli.main import build_parser
from qipan.web.guide import CHAPTERS, FOLDER

pytestmark = pytest.mark.own_database

_BLOCK = re.compile(r"^```sh( serve)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: as the first hour says: the demonstration's own folder and time
DEMONSTRATION = {"QIPAN_VAR": "var/demo", "QIPAN_DEMO": "1", "QIPAN_NOW": "2022-07-21T22:00:00+08:00"}


def blocks(language: str, chapter: str) -> list[tuple[bool, str]]:
    """(goes on serving, commands) of a chapter."""
    text = (FOLDER / language / f"{chapter}.md").read_text(encoding="utf-8")
    return [(bool(serving), commands) for serving, commands in _BLOCK.findall(text)]


def shell(folder: Path, commands: str, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("QIPAN_") and "DATABASE" not in k}
    kept["PATH"] = f"{Path(sys.executable).parent}:{kept['PATH']}"
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands], cwd=folder, env=kept | settings, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first hour was followed to its end."""
    folder = tmp_path_factory.mktemp("guide")
    for serving, commands in blocks("en", "first-hour"):
        if not serving:
            done = shell(folder, commands)
            assert done.returncode == 0, f"{commands}\n{done.stderr}"
    return folder


@pytest.mark.parametrize("chapter", [name for name in CHAPTERS if name != "first-hour"])
def test_the_commands_of_a_chapter_run(folder: Path, chapter: str) -> None:
    for name in ("anchors.jsonl", "log.jsonl", "backup.qipan", "rooms.csv", "cases.csv", "tests.csv", "contacts.csv"):
        (folder / name).unlink(missing_ok=True)
    for serving, commands in blocks("en", chapter):
        if not serving:
            done = shell(folder, commands, **DEMONSTRATION)
            assert done.returncode == 0, f"{commands}\n{done.stderr}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_both_languages_give_the_same_commands(chapter: str) -> None:
    assert blocks("en", chapter) == blocks("zh", chapter)
    assert blocks("en", chapter)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_what_serves_is_a_command_of_ours(chapter: str) -> None:
    for serving, commands in blocks("en", chapter):
        for line in commands.splitlines():
            if serving:
                assert build_parser().parse_args(line.split()[1:]).command in ("serve", "demo")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_links_between_chapters_lead_somewhere(language: str) -> None:
    for chapter in CHAPTERS:
        text = (FOLDER / language / f"{chapter}.md").read_text(encoding="utf-8")
        assert not set(re.findall(r"\]\(([a-z-]+)\.md\)", text)) - set(CHAPTERS)


def test_every_command_in_the_text_exists() -> None:
    known = set(build_parser()._subparsers._group_actions[0].choices)
    for chapter in CHAPTERS:
        for _serving, commands in blocks("en", chapter):
            assert set(re.findall(r"^qipan (\S+)", commands, re.MULTILINE)) <= known
