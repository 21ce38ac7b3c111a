"""What decides is pure. (That imports go downwards and that nothing is too large, `make lint` says.)"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "keepwell"

JUDGING = ("checks", "flapping", "judging", "life", "reading", "thresholds", "when")
MANUAL = SOURCE / "rooms" / "manual"
PURE = sorted(
    [
        *SOURCE.joinpath("kernel").rglob("*.py"),
        *SOURCE.rglob("decide.py"),
        *SOURCE.joinpath("rooms", "alerts", "routing").rglob("*.py"),
        *(SOURCE / "rooms" / "alerts" / "rules" / f"{name}.py" for name in JUDGING),
        *MANUAL.joinpath("reading").rglob("*.py"),
        *MANUAL.joinpath("lint", "rules").rglob("*.py"),
    ]
)
"""What decides, routes alerts, reads a manual and judges it: it gets ``now`` and facts as arguments, and reads nothing of the world itself.
(zoneinfo's table of zones is data.)"""

FORBIDDEN_MODULES = frozenset(
    [
        "aiohttp",
        "asyncio",
        "fcntl",
        "glob",
        "http",
        "httptools",
        "io",
        "logging",
        "mmap",
        "multiprocessing",
        "os",
        "pathlib",
        "platform",
        "random",
        "requests",
        "resource",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlalchemy",
        "sqlite3",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib.request",
        "uuid",
    ]
)
FORBIDDEN_CALLS = frozenset(["open", "input", "print", "exec", "eval", "__import__", "breakpoint"])
FORBIDDEN_METHODS = frozenset(["now", "utcnow", "today", "read_text", "read_bytes", "write_text", "write_bytes", "getenv"])
FORBIDDEN_ATTRIBUTES = frozenset({"environ"})


def impurities(tree: ast.AST) -> Iterator[str]:
    """What a pure module may not have, as ``line: what``."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (f"{node.lineno}: import {name.name}" for name in names if forbidden(name.name))
            case ast.ImportFrom(module=str(module), level=0):
                if forbidden(module):
                    yield f"{node.lineno}: from {module} import"
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield f"{node.lineno}: {name}()"
            case ast.Call(func=ast.Attribute(attr=name)) if name in FORBIDDEN_METHODS:
                yield f"{node.lineno}: .{name}()"
            case ast.Attribute(attr=name) if name in FORBIDDEN_ATTRIBUTES:
                yield f"{node.lineno}: .{name}"
            case ast.AsyncFunctionDef(name=name) | ast.Global(names=[name, *_]):
                yield f"{node.lineno}: {type(node).__name__} {name}"


def forbidden(module: str) -> bool:
    return module in FORBIDDEN_MODULES or module.split(".")[0] in FORBIDDEN_MODULES


@pytest.mark.parametrize("path", PURE, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_what_decides_reads_nothing_of_the_world(path: Path) -> None:
    assert list(impurities(ast.parse(path.read_text("utf-8")))) == []


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "import os.path",
        "from subprocess import run",
        "import socket",
        "datetime.now(UTC)",
        "date.today()",
        "open('x')",
        "os.environ['x']",
        "Path('x').read_text()",
        "async def f(): ...",
        "def f():\n global a",
    ],
)
def test_the_search_finds_what_it_looks_for(line: str) -> None:
    assert len(list(impurities(ast.parse(line)))) == 1


def test_there_is_something_pure() -> None:
    assert {"kernel", "checks"} <= {path.parent.name for path in PURE}
