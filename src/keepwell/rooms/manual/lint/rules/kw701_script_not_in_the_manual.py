"""KW701: a script is called, and its text stands nowhere in the manual."""

import re
from collections.abc import Iterator
from posixpath import basename

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.file_uses import FileUse, tar_mode
from keepwell.rooms.manual.reading.model import Manual

from .tasks import place

_SCRIPT = re.compile(r"\.(sh|bash|py|pl|rb|js|ps1)$")
_OF_A_PACKAGE = re.compile(
    r"^(manage|setup|wp-cli|gunicorn\.conf)\.(py|phar)$|^/(usr|bin|sbin|lib)/|/node_modules/|/site-packages/|^/opt/\w+/bin/"
)
_BUILDS = frozenset(("cargo", "go", "npm", "yarn", "pnpm", "make", "mvn", "gradle", "gradlew", "dotnet", "mix"))
_UNKNOWN = (
    (re.compile(r"report|analy[sz]|capacity|trend|statist", re.I), "which figures it takes, and from where,"),
    (re.compile(r"fail-?over|disaster|\bdr\b", re.I), "what it switches off and how that is undone"),
    (re.compile(r"^(test|verify|check|validate|audit)|(test|check|audit|scan)s?\.\w+$|health", re.I), "what it looks at and when it fails"),
    (re.compile(r"restor|recover", re.I), "what it stops, whether it ends at the first error and what it overwrites"),
    (re.compile(r"backup|dump|snapshot", re.I), "what it saves, where to and how it fails"),
    (re.compile(r"deploy|migrat|rollback|upgrade|release", re.I), "what it changes and how to go back"),
    (re.compile(r"rotat|clean|prune|purge", re.I), "what it deletes and what it keeps"),
)


def _check(manual: Manual) -> Iterator[Finding]:
    made = {use.name for use in manual.names.files if use.how in ("defined", "written", "appended")}
    made.update(address.path.rpartition("/")[2] for address in manual.names.addresses)  # downloaded
    for use in manual.names.files:
        if use.how == "executed" and _is_own(use) and use.name not in made:
            column, width = place(manual, use.line, use.path)
            yield Finding(
                use.line, _message(use, made), column=column, width=width, fix="show the script, or say in which repository it is kept"
            )


def _is_own(use: FileUse) -> bool:
    if "$" in use.name or "<" in use.path or _OF_A_PACKAGE.search(use.path) or _OF_A_PACKAGE.search(use.name):
        return False
    if use.name.endswith(".js") and "/" not in use.path:
        return False  # an example of a program rather than a tool
    return bool(_SCRIPT.search(use.name)) and not _fetched(use) and not _is_test_suite(use)


def _is_test_suite(use: FileUse) -> bool:
    """Whether it is run beside the tests of a build tool: it belongs to the source, as they do."""
    if use.script is None or use.path.startswith("/") or not re.search(r"tests?\.\w+$", use.name):
        return False
    return any(command.name in _BUILDS and command.subcommand in ("test", "check", "verify") for command in use.script.commands)


def _fetched(use: FileUse) -> bool:
    """Whether the lines before it fetch or unpack what it is part of."""
    if use.script is None or use.path.startswith("/"):
        return False
    return any(
        command.line < use.line
        and (command.is_("git", "clone") or command.name == "unzip" or (tar_mode(command) == "x" and command.name == "tar"))
        for command in use.script.commands
    )


def _message(use: FileUse, made: set[str]) -> str:
    stem = use.name.rpartition(".")[0]
    twin = next((name for name in sorted(made) if _SCRIPT.search(name) and name.rpartition(".")[0] == stem), "")
    if twin:
        return f"{use.name} is run here and stands nowhere in the manual, which has {twin} only"
    unknown = next((words for pattern, words in _UNKNOWN if pattern.search(basename(use.path))), "what it does")
    return f"{use.name} is run here and stands nowhere in the manual: {unknown} cannot be told"


RULE = Rule(
    id="KW701",
    name="script-not-in-the-manual",
    title="A script is run that the manual does not contain",
    severity=Severity.NOTE,
    why="The step is only as good as a file that may be missing on the machine, differ from one host to the next, or never have been "
    "written. Whoever "
    "reads the manual cannot tell what the step does, what it leaves behind when it fails, or whether it may be run twice. Source: "
    "Google, Site "
    "Reliability Workbook, On-Call (playbooks: the steps must be there and must have been tried).",
    bad="""# Restore

```bash
./scripts/restore-database.sh backup.sql
```
""",
    good="""# Restore

```bash
#!/bin/bash
# scripts/restore-database.sh
set -euo pipefail
systemctl stop shop
psql -v ON_ERROR_STOP=1 -d shop -f "$1"
systemctl start shop
```

Run it:

```bash
./scripts/restore-database.sh backup.sql
```

Before a release:

```bash
cargo test --release
./integration_tests.sh
```
""",
    check=_check,
    grouped=True,
)
