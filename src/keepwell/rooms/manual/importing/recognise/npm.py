"""npm, yarn, pnpm and npx: dependencies of JavaScript programs, their flaws and their updates."""

from keepwell.rooms.manual.importing.command_words import arguments_of, done, is_here, kept_in, looked, main_command, understood, words
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Found, Missing, Recogniser, View, Wanting
from keepwell.rooms.manual.importing.purposes import with_purpose, within
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_FLAGS = words(
    "--audit-level --production --omit --save --save-dev -g --global --json --prefix --force --legacy-peer-deps --if-present "
    "--ci -D -s --silent"
)
_VERBS = {
    "audit": "security.vulnerabilities",
    "outdated": "security.updates",
    "update": "update",
    "upgrade": "update",
    "install": "update",
    "ci": "deploy",
    "run": "deploy",
    "start": "runbook",
    "test": "change",
    "build": "deploy",
    "publish": "deploy",
}
_FOLDER = Missing(
    "WORKING_FOLDER", Wanting.VALUE, "the folder of package.json", "The folder in which the manual's relative paths stand", "path"
)


def read(view: View) -> Found | None:
    """What an item that calls a package manager of JavaScript becomes."""
    command = main_command(view, "npm", "yarn", "pnpm", "npx")
    if command is None:
        return None
    if command.name == "npx":
        return _npx(view, command)
    verb = command.subcommand or "install"
    clear = verb in _VERBS and understood(view, command, _FLAGS)
    operation = f"{command.name}.{verb}" if clear else ""
    if verb == "audit" and "fix" not in [word.filled for word in command.operands]:
        return _audit(view, command, operation)
    return done(view, with_purpose(view, _VERBS.get(verb, within(view, "deploy", "update", "change") or "update")), operation)


def _audit(view: View, command: ShellCommand, operation: str) -> Found:
    """Its exit status tells whether there are flaws of the level, so that it is a check; it asks for the folder of the program."""
    capabilities = with_purpose(view, "security.vulnerabilities")
    run = arguments_of(view, command)
    if not command.has_flag("--audit-level") or not operation or run is None or kept_in(view, command) or not is_here(command):
        return done(view, capabilities, operation)
    if _FOLDER.name not in view.values:
        found = looked(view, capabilities, operation, reason="npm looks at the folder in which it is started, and none is named")
        return Found(found.fate, found.capabilities, operation, (), Disposition.MISSING, found.reason, (*found.missing, _FOLDER))
    return looked(
        view, capabilities, operation, (CheckDraft("command", {"run": list(run), "directory": view.values[_FOLDER.name]}, every="1d"),)
    )


def _npx(view: View, command: ShellCommand) -> Found:
    words = [word.filled for word in command.operands]
    migrates = "prisma" in words or "sequelize" in words or "knex" in words or "typeorm" in words
    clear = words[:1] == ["prisma"] and understood(view, command, frozenset(("--schema",)))
    operation = "prisma." + "_".join(words[1:3]) if clear and len(words) > 1 else ""
    return done(view, with_purpose(view, "update" if migrates else within(view, "deploy", "update", "change") or "runbook"), operation)


RECOGNISER = Recogniser(
    "npm",
    (Kind.COMMAND, Kind.ASSIGNMENT),
    read,
    ("npm", "yarn", "pnpm", "npx"),
    example="""\
# Shop

## Monthly

```bash
npm audit --audit-level=high
npm update
```
""",
)
