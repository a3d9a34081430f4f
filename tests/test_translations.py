"""What people read is there in Chinese: every message id, its placeholders, and the errors at the edge."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.utils import translation
from scripts.messages import find, message_arguments, message_places

from qipan.cli.main import main, say
from qipan.terms.errors import BadInput, Denied

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "qipan"
CATALOGUE = PACKAGE / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
COMPILED = CATALOGUE.with_suffix(".mo")

_NAMED = re.compile(r"%\((\w+)\)[a-z]")
_POSITIONAL = re.compile(r"%[-#0 +]?[\d*]*(?:\.[\d*]+)?[hlL]?[diouxXeEfFgGcrsa]")
_HAN = re.compile(r"[\u4e00-\u9fff]")

#: Placeholders alone have no words to translate.
_WORDLESS = re.compile(r"(?:%\(\w+\)s|\W)*")


def mapping() -> tuple[list[tuple[str, str]], dict[str, dict[str, str]]]:
    with (ROOT / "babel.cfg").open() as file:
        return parse_mapping_cfg(file)


@pytest.fixture(scope="module")
def places() -> dict[str, tuple[str, ...]]:
    _, options = mapping()
    return message_places(options["**.py"]["calls"])


@pytest.fixture(scope="module")
def wanted() -> dict[str | tuple[str, ...], str]:
    """message id -> a file that says it, as `make messages` finds them."""
    method, options = mapping()
    found = extract_from_dir(PACKAGE, method_map=method, options_map=options)
    return {message: f"{file}:{line}" for file, line, message, _, _ in found}


@pytest.fixture(scope="module")
def catalogue() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_Hans", abort_invalid=True)


@pytest.fixture(scope="module")
def compiled() -> Catalog:
    if not COMPILED.exists():
        pytest.fail(f"{COMPILED.relative_to(ROOT)} is missing: `make messages` compiles it (and `make test` does).")
    with COMPILED.open("rb") as file:
        return read_mo(file)


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if not {"tests", "benchmarks"} & set(path.parts):
            yield path, ast.parse(path.read_bytes())


def texts(message: object) -> tuple[str, ...]:
    return tuple(message) if isinstance(message, tuple | list) else (str(message),)


def test_everything_said_is_said_in_chinese(wanted, catalogue):
    assert len(wanted) > 300
    untranslated = {
        message: where for message, where in wanted.items()
        if message not in catalogue or not all(texts(catalogue[message].string))
    }  # fmt: skip
    assert untranslated == {}


def test_a_translation_is_chinese(catalogue):
    for message in catalogue:
        if message.id and not _WORDLESS.fullmatch(texts(message.id)[0]):
            assert _HAN.search(texts(message.string)[0]), message.id


def test_the_catalogue_holds_nothing_else(wanted, catalogue):
    assert {message.id for message in catalogue if message.id} - set(wanted) == set(), "run `make messages`"
    assert list(catalogue.obsolete) == []
    assert [message.id for message in catalogue if message.id and message.fuzzy] == []


def test_placeholders_are_kept(catalogue):
    for message in catalogue:
        asked = {name for text in texts(message.id) for name in _NAMED.findall(text)}
        for text in texts(message.string):
            assert set(_NAMED.findall(text)) == asked, message.id


def test_what_is_compiled_is_what_is_written(catalogue, compiled):
    said = {texts(message.id): texts(message.string) for message in catalogue if message.id and message.string}
    there = {texts(message.id): texts(message.string) for message in compiled if message.id}
    assert there == said, "run `make messages`"


def put_together(tree: ast.AST, places: dict[str, tuple[str, ...]]) -> list[int]:
    """Lines where a message id is an f-string, a sum, or the result of a call other than gettext's own."""
    return [
        argument.lineno
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        for argument in message_arguments(call, places)
        if isinstance(argument, ast.JoinedStr | ast.BinOp)
        or (isinstance(argument, ast.Call) and not message_arguments(argument, places))
    ]


def test_no_message_is_put_together_before_it_is_translated(places):
    wrong = [f"{path.relative_to(ROOT)}:{line}" for path, tree in modules() for line in put_together(tree, places)]
    assert wrong == []


@pytest.mark.parametrize(
    "source",
    ['BadInput(f"No {x}.")', 'BadInput("No %s." % x)', 'BadInput("No {}.".format(x))', 'gettext("No " + x)',
     'FileKind(name="x", title=f"{x}")'],
)  # fmt: skip
def test_a_message_that_is_put_together_is_found(source, places):
    assert put_together(ast.parse(source), places) == [1]
    assert put_together(ast.parse('BadInput(gettext_noop("No %(x)s."), x=x)'), places) == []


def test_placeholders_have_names(wanted):
    """Chinese orders its words otherwise than English: what has no name cannot move."""
    positional = {message for message in wanted for text in texts(message) if _POSITIONAL.search(text)}
    assert positional == set()


def test_every_error_is_known_to_the_reader_of_messages(places):
    """A new subclass of QipanError must be named in babel.cfg, or say its own sentence (as Denied does)."""
    classes = {
        node.name: node for _, tree in modules() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    }
    errors = {"QipanError"}
    while more := {
        name for name, node in classes.items()
        if name not in errors and errors & {getattr(base, "id", "") for base in node.bases}
    }:  # fmt: skip
        errors |= more
    assert {"Denied", "Absent", "BadInput", "Unsealable"} < errors
    own = {
        name for name in errors
        if name != "QipanError" and any(getattr(part, "name", "") == "__init__" for part in classes[name].body)
    }  # fmt: skip
    assert errors - own - set(places) == set()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ('raise BadInput("lower words")', "lower words"),
        ('Reject(1, "area", "no " "area")', "no area"),
        ('FileKind(name="x", title="Some title")', "Some title"),
        ('raise Refused("one" if x else "other")', "one"),
        ('gettext_lazy("words")', "words"),
        ('_KEPT = {"region": "A whole sentence in a table."}', "A whole sentence in a table."),
    ],
)
def test_messages_are_found(source, message, places):
    assert message in [texts[0] for _, _, texts in find(source, places).values()]


@pytest.mark.parametrize(
    "source",
    ['"""A docstring is no message."""', 'add_argument("x", help="A help text is none.")', 'f"Nor {part} is this."'],
)
def test_what_nobody_reads_is_left_out(source, places):
    assert find(source, places) == {}


@pytest.mark.usefixtures("compiled")
def test_errors_are_chinese_at_the_edge():
    with translation.override("zh-hans"):
        assert say(Denied("order.appeal", "/4112/")) == "未找到，或您无权查看。"
        assert say(BadInput("There is no area %(area)s.", area="411299")) == "没有区域 411299。"
    with translation.override("en"):
        assert say(Denied("order.appeal", "/4112/")) == "Not found, or not yours to see."


@pytest.mark.django_db
@pytest.mark.usefixtures("compiled")
def test_a_reject_is_chinese_for_an_office_that_reads_chinese(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("QIPAN_LANGUAGE", "zh-hans")
    path = tmp_path / "areas.csv"
    path.write_text("code,level,parent,name_zh,name_en,population\n411200,city,,三门峡市,,\n12,city,,某市,,\n")
    with translation.override("en"):  # gives back what the command activates
        assert main(["import", "areas", str(path), "--source", "s", "--dry-run"]) == 0
        said = capsys.readouterr().out
        assert main(["import", "areas", "absent.csv", "--source", "s"]) == 2
    assert "“12”不是 city 级区域的代码。" in said
    assert "无法读取 absent.csv" in capsys.readouterr().err
