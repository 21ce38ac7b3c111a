"""What the search of ``test_project_floors`` cannot see: the clock handed on without a call, and what the kernel imports at all."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src" / "keepwell"
PURE = sorted([*SOURCE.joinpath("kernel").rglob("*.py"), *SOURCE.rglob("decide.py")])
EVERYTHING = sorted(SOURCE.rglob("*.py"))

CLOCKS = frozenset({"now", "utcnow", "today"})
CALENDARS = frozenset({"datetime", "date"})
KERNEL_MAY_IMPORT = frozenset({"cronsim", "re2"})
"""Libraries beside Python's own: each is pure itself."""
COPYLEFT = frozenset({"bashlex"})
"""Never imported: their licence (GPL) would bind ours."""


def clocks_handed_on(tree: ast.AST) -> Iterator[str]:
    """``datetime.now`` where it is not called, as in ``field(default_factory=datetime.now)``, under whatever name it was imported."""
    names = set(CALENDARS)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "datetime":
            names |= {alias.asname for alias in node.names if alias.asname and alias.name in CALENDARS}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            owner = node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")
            if owner in names:
                yield f"{node.lineno}: {owner}.{node.attr}"


def imported(tree: ast.AST) -> Iterator[str]:
    """The first part of every absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


def read(path: Path) -> ast.AST:
    return ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_what_decides_hands_no_clock_on(path: Path) -> None:
    assert list(clocks_handed_on(read(path))) == []


@pytest.mark.parametrize(
    "line",
    [
        "field(default_factory=datetime.now)",
        "read = datetime.datetime.utcnow",
        "f(date.today)",
        "from datetime import datetime as d\nf = d.now",
    ],
)
def test_the_search_finds_a_clock_that_is_handed_on(line: str) -> None:
    assert len(list(clocks_handed_on(ast.parse(line)))) == 1


def test_the_search_leaves_a_field_of_that_name_alone() -> None:
    assert list(clocks_handed_on(ast.parse("facts.now\nself.today"))) == []


def test_the_kernel_imports_only_python_itself_and_named_pure_libraries() -> None:
    allowed = sys.stdlib_module_names | KERNEL_MAY_IMPORT | {"keepwell"}
    found = {(path.name, name) for path in PURE if path.parent.name == "kernel" for name in imported(read(path)) if name not in allowed}
    assert found == set()


def test_no_copyleft_library_is_imported() -> None:
    assert {(path.name, name) for path in EVERYTHING for name in imported(read(path)) if name in COPYLEFT} == set()
    assert set(imported(ast.parse("import bashlex.ast"))) & COPYLEFT
