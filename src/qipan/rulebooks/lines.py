"""Where in a TOML file a key stands, so that a problem can name its line."""

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-.\"]+)\s*=")
_STRING = re.compile(r'"(?:\\.|[^"\\])*"|\'[^\']*\'|#.*$')


def key_lines(text: str) -> dict[Path, int]:
    """(table, index, key …) -> line number from 1, for headers and for keys at the start of a line.

    It reads the layout in which books are written: headers and keys begin a line, values may run on in
    brackets or triple quotes. Elements of an array of inline tables get the line on which they begin.
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    depth = 0
    quoted = ""
    array: Path | None = None
    element = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        if quoted:
            if quoted in raw:
                quoted = ""
            continue
        if depth == 0:
            header = _HEADER.match(raw)
            if header:
                table = _table(header.group(2), header.group(1) == "[[", counts)
                lines.setdefault(table, number)
                continue
            key = _KEY.match(raw)
            if key:
                array = (*table, *(part.strip('"') for part in key.group(1).split(".")))
                lines.setdefault(array, number)
                element = 0
        for mark in ('"""', "'''"):
            if raw.count(mark) % 2 == 1:
                quoted = mark
        bare = _STRING.sub("", raw)
        if array is not None and depth == 1 and bare.lstrip().startswith("{"):
            lines.setdefault((*array, element), number)
            element += 1
        depth += sum(bare.count(c) for c in "[{") - sum(bare.count(c) for c in "]}")
        depth = max(depth, 0)
    return lines


def _table(name: str, is_array: bool, counts: dict[Path, int]) -> Path:
    """The path of a header; the parts of an array of tables get the index of its current element."""
    path: Path = ()
    parts = [part.strip().strip('"') for part in name.split(".")]
    for position, part in enumerate(parts):
        path = (*path, part)
        last = position == len(parts) - 1
        if last and is_array:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def line_of(lines: dict[Path, int], path: Path) -> int:
    """The line of the nearest thing on the path that has one; 1 for the file itself."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return 1
