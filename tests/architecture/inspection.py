"""What imports do not show: each check reads a tree of source files and returns its findings as text."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

#: a room's doors; `intake`, `web` and `api` are called by the shells through registries and URLs
DOORS = {"services", "selectors", "indicators"}
BANNED_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}
LONGEST_MODULE = 500
CLOCK_CALLS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "timezone.now", "time.time"}
RANDOM_CALLS = ("random.", "np.random.seed", "np.random.rand", "numpy.random.rand", "np.random.default_rng")


def modules(source: Path) -> Iterator[tuple[Path, ast.Module]]:
    """Every module of the package outside migrations and tests, parsed."""
    for path in sorted(source.rglob("*.py")):
        relative = path.relative_to(source)
        if not {"migrations", "tests"} & set(relative.parts):
            yield relative, ast.parse(path.read_text(encoding="utf-8"))


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute chain, "" for anything else."""
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""


def calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node.lineno, dotted(node.func)


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, full dotted name) of everything imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node.lineno, f"{'.' * node.level}{node.module or ''}.{alias.name}"


def hidden_imports(source: Path) -> list[str]:
    """Calls that import without an import statement, and relative imports."""
    hidden = ("apps.get_model", "importlib.import_module", "import_module", "__import__")
    found = [f"{p}:{line} {name}" for p, tree in modules(source) for line, name in calls(tree) if name in hidden]
    return found + [f"{p}:{n} relative" for p, tree in modules(source) for n, i in imported(tree) if i[0] == "."]


#: the city of the pages' benchmark is made up, and far too large for services that write a row each
WRITES_PAST_THE_DOORS = {"cli/benchmarks/pages_world.py"}


def past_the_doors(source: Path) -> list[str]:
    """A room that reaches into another room past its services, selectors and indicators; a shell may too
    only through the doors and a room's web and api.
    """
    found = []
    for path, tree in modules(source):
        if str(path) in WRITES_PAST_THE_DOORS:
            continue
        here = path.parts[1] if path.parts[0] == "rooms" and len(path.parts) > 2 else ""
        for line, name in imported(tree):
            parts = name.split(".")
            if parts[:2] != ["qipan", "rooms"] or len(parts) < 4 or parts[2] == here:
                continue
            allowed = DOORS if here else DOORS | {"web", "api", "urls"}
            if parts[3] not in allowed:
                found.append(f"{path}:{line} {name}")
    return found


def clock_or_chance(source: Path) -> list[str]:
    """The clock or global randomness in what must be pure."""
    found = []
    for path, tree in modules(source):
        pure = path.parts[0] in ("terms", "kernels", "rulebooks") or path.stem == "rules" or "rules" in path.parts
        if not pure:
            continue
        for line, name in calls(tree):
            if name in CLOCK_CALLS or name.startswith(RANDOM_CALLS):
                found.append(f"{path}:{line} {name}")
    return found


def receivers(source: Path) -> list[str]:
    """Signal receivers outside the foundation."""
    return [
        f"{path}:{node.lineno} receiver"
        for path, tree in modules(source)
        if path.parts[0] != "foundation"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        if "receiver" in dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
    ]


def long_modules(source: Path) -> list[str]:
    paths = [path for path in source.rglob("*.py") if "migrations" not in path.parts]
    sizes = {path.relative_to(source): path.read_text(encoding="utf-8").count("\n") for path in paths}
    return [f"{path} ({lines} lines)" for path, lines in sizes.items() if lines > LONGEST_MODULE]


def drawer_names(source: Path) -> list[str]:
    """Modules named after nothing."""
    return [str(p.relative_to(source)) for p in source.rglob("*.py") if p.name in BANNED_NAMES]


CHECKS: dict[str, Callable[[Path], list[str]]] = {
    "hidden imports": hidden_imports,
    "past the doors": past_the_doors,
    "clock or chance in pure code": clock_or_chance,
    "signals outside the foundation": receivers,
    "long modules": long_modules,
    "drawer names": drawer_names,
}
