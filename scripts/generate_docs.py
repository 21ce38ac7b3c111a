"""Writes the pages of docs/ that are made from the code; with ``--check`` it only says whether they are current (exit code 1 if not).

- docs/exit-codes.md from ``keepwell.kernel.exits.Exit`` and ``keepwell.kernel.states.State``;
- docs/reference.md from the sections that the rooms declare;
- docs/rules/ from the rules of ``keepwell lint``, a page each and an index.
"""

import argparse
import ast
import difflib
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from importlib.util import find_spec
from pathlib import Path

from keepwell.kernel.exits import Exit
from keepwell.kernel.states import State

DOCS = Path(__file__).resolve().parents[1] / "docs"
MADE_BY = "<!-- Made by scripts/generate_docs.py from the code; `make format` writes it anew. -->\n"


def member_docs(enumeration: type[Enum]) -> dict[str, str]:
    """The text under each member of an enumeration, by the member's name. Python keeps it in the source only, so the source is read."""
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(enumeration))).body
    assert isinstance(definition, ast.ClassDef)
    texts: dict[str, str] = {}
    name = ""
    for statement in definition.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
        elif name and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            texts[name] = " ".join(str(statement.value.value).split()).replace("``", "`")
            name = ""
    return texts


def table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def exit_codes() -> str:
    """The page of exit codes."""
    meanings = member_docs(Exit)
    commands = table(("code", "name", "means"), ((str(code.value), code.name, meanings[code.name]) for code in Exit))
    checks = table(
        ("code", "state", "the service as seen by the checks that were asked for"),
        (
            (str(state.exit_code), state.value, meaning)
            for state, meaning in sorted(CHECK_MEANINGS.items(), key=lambda pair: pair[0].exit_code)
        ),
    )
    return EXIT_CODES.format(made_by=MADE_BY, commands=commands, checks=checks)


EXIT_CODES = """{made_by}
# Exit codes

Every command but one answers with these:

{commands}
`keepwell plan` only informs: it answers 0 whatever waits for acceptance or is missing, and 2 where the directory is invalid.

`keepwell check` answers as monitoring plugins do (Monitoring Plugins Development Guidelines, "Plugin Return Codes"), so that
Nagios, Icinga and the like can run it as it is. Of several checks it gives the code of the worst, in the order fail, warn,
unknown, ok.

{checks}"""

CHECK_MEANINGS = {
    State.OK: "every check is as expected",
    State.WARN: "a warning limit is passed",
    State.FAIL: "a failure limit is passed, or the target gave no usable answer",
    State.UNKNOWN: "a check could not be made: our own fault, our own network, a text that nobody accepted, an unusable configuration",
}


def reference() -> str | None:
    """The reference page of keepwell.yaml; None as long as there is nothing to make it from."""
    if not all(find_spec(name) for name in ("keepwell.composition.verbs", "keepwell.config.describe")):
        return None
    from keepwell.composition.verbs import sections
    from keepwell.config.describe import reference as describe

    return f"{MADE_BY}\n{describe(sections())}"


def rule_pages() -> dict[str, str]:
    """A page for each rule, and the index of all."""
    from keepwell.rooms.manual.lint.pages import index_page, rule_page
    from keepwell.rooms.manual.lint.registry import all_rules

    pages = {f"rules/{rule.id}.md": rule_page(rule) for rule in all_rules()}
    return {"rules/README.md": f"{MADE_BY}\n{index_page(all_rules())}"} | {name: f"{MADE_BY}\n{page}" for name, page in pages.items()}


PAGES: dict[str, Callable[[], str | None]] = {"exit-codes.md": exit_codes, "reference.md": reference}


def remove_what_has_no_rule(pages: Mapping[str, str | None], only_check: bool) -> bool:
    """Removes the pages of rules that are gone; says whether there was one."""
    gone = [path for path in sorted(DOCS.joinpath("rules").glob("*.md")) if f"rules/{path.name}" not in pages]
    for path in gone:
        if only_check:
            print(f"docs/rules/{path.name} is the page of a rule that is gone")
        else:
            path.unlink()
    return bool(gone)


def main() -> int:
    """Writes the pages, or compares them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where a page is not current")
    only_check = parser.parse_args().check
    pages = {name: make() for name, make in PAGES.items()} | rule_pages()
    stale = remove_what_has_no_rule(pages, only_check)
    for name, wanted in pages.items():
        path = DOCS / name
        current = path.read_text("utf-8") if path.exists() else ""
        if wanted in (None, current):
            continue
        stale = True
        if only_check:
            print(*difflib.unified_diff(current.splitlines(), wanted.splitlines(), f"docs/{name}", "from the code", lineterm=""), sep="\n")
        else:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted or "", "utf-8")
    if stale and only_check:
        print("docs/ is not what the code says; `make format` writes it anew")
    return 1 if stale and only_check else 0


if __name__ == "__main__":
    sys.exit(main())
