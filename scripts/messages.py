"""The message ids of our own Python files, for Babel (babel.cfg names the calls that hold them).

Errors carry message ids without a call of gettext, because pure code knows no Django; so Babel's own reader of
Python would find the fewest.
"""

import ast
import io
import re
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python
from django.utils.translation.template import templatize

#: A sentence that a person may read: capital, quotation mark or placeholder first, a full stop last, words between.
_SENTENCE = re.compile(r"(?:[A-Z]|“|--|%\()\S*\s.*\.", re.DOTALL)
#: argparse's own texts are English, as the options beside them are.
_NOT_SHOWN = {"help", "description", "epilog"}


def message_places(calls: str) -> dict[str, tuple[str, ...]]:
    """Call -> places of its message ids, from babel.cfg's `calls` ("Reject:3 FileKind:title")."""
    parts = (word.split(":", 1) for word in calls.split())
    return {name: tuple(places.split(",")) for name, places in parts}


def message_arguments(call: ast.Call, places: Mapping[str, tuple[str, ...]]) -> list[ast.expr]:
    """The arguments of a call that are message ids: literals, or names of what holds one."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    found: list[ast.expr] = []
    for place in places.get(name, ()):
        if not place.isdigit():
            found += [named[place]] if place in named else []
        elif len(call.args) >= int(place):
            found.append(call.args[int(place) - 1])
    return found


def literals(node: ast.expr) -> Iterator[ast.Constant]:
    """The text literals that an argument may be: itself, or either side of a condition."""
    if isinstance(node, ast.IfExp):
        yield from literals(node.body)
        yield from literals(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node


def _not_messages(tree: ast.AST) -> set[int]:
    """Nodes that may look like sentences and are shown to nobody: docstrings, parts of f-strings, argparse's."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skipped.add(id(node.value))
        elif isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values)
        elif isinstance(node, ast.keyword) and node.arg in _NOT_SHOWN:
            skipped.update(id(part) for part in ast.walk(node.value))
    return skipped


def find(source: str | bytes, places: Mapping[str, tuple[str, ...]]) -> dict[int, tuple[int, str, tuple[str, ...]]]:
    """id of the node -> (line, function, message ids) of everything in a module that is shown to people."""
    tree = ast.parse(source)
    skipped = _not_messages(tree)
    found: dict[int, tuple[int, str, tuple[str, ...]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            arguments = [text for argument in message_arguments(node, places) for text in literals(argument)]
            name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
            if name.startswith("ngettext") and len(arguments) == 2:
                one, many = arguments
                found[id(one)] = (one.lineno, "ngettext", (one.value, many.value))
                skipped.add(id(many))
                continue
            for text in arguments:
                found[id(text)] = (text.lineno, "gettext", (text.value,))
    skipped.update(found)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in skipped:
            continue
        if _SENTENCE.fullmatch(node.value):
            found[id(node)] = (node.lineno, "gettext", (node.value,))
    return found


def extract(
    fileobj: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, tuple[str, ...] | str, list[str]]]:
    """Babel's extraction method: (line, function, message ids, comments). Ids without a letter are not translated."""
    found = find(fileobj.read(), message_places(options["calls"]))
    for line, function, messages in sorted(found.values()):
        if any(character.isalpha() for character in messages[0]):
            yield line, function, messages if len(messages) > 1 else messages[0], []


#: the calls that a template turns into (django.utils.translation.template)
_TEMPLATE_CALLS = {"_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}


def extract_template(
    fileobj: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[int, str, tuple[str, ...] | str, list[str]]]:
    """Babel's extraction method for templates: as Django itself reads them, tag by tag."""
    python = templatize(fileobj.read().decode())
    yield from extract_python(io.BytesIO(python.encode()), _TEMPLATE_CALLS, [], {"encoding": "utf-8"})
