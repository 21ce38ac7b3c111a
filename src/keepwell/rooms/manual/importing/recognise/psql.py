"""psql: what it asks, changes or restores, by the statements that it is given (psql(1))."""

from dataclasses import replace

from keepwell.rooms.manual.importing.client_words import (
    expected_of,
    first_named,
    only,
    options,
    plain_words,
    run_of,
    said_near,
    spine,
    wanting,
    written,
)
from keepwell.rooms.manual.importing.database_checks import asked
from keepwell.rooms.manual.importing.database_words import (
    Purpose,
    capabilities_of,
    fate_of,
    gives_one_number,
    one_line,
    operation_of,
    purpose_of,
)
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.parts import Statement
from keepwell.rooms.manual.reading.shell_model import ShellCommand
from keepwell.rooms.manual.reading.sql import statements

_FLAGS = options(
    "-h --host -p --port -U --username -d --dbname -c --command -f --file -A -t -At -q --quiet -X -v --set "
    "--variable -w -W -F -P --pset --csv -x -1 --single-transaction -e -a -l --list --tuples-only "
    "--no-align --no-password --no-psqlrc -b"
)
_CHECKED = options(
    "-h --host -p --port -U --username -d --dbname -c --command -A -t -q --quiet -X -w -x --csv --tuples-only --no-align --no-password"
)
"""Options that a check may have: none of them writes a file or starts a program."""
_NAMES = {
    Purpose.ACTIVITY: "database-activity",
    Purpose.SIZE: "database-size",
    Purpose.STATISTICS: "database-statistics",
    Purpose.COUNT: "database-rows",
}
_HOW_OFTEN = {Purpose.SIZE: "1h", Purpose.STATISTICS: "1h"}
"""Looks that cost the server something, or change slowly."""


def _read(view: View) -> Found | None:
    command = first_named(view, "psql")
    if command is None:
        return None
    text, line = sql_of(view, command)
    found = tuple(statements(text, line, "psql")) if text else ()
    if not found:
        return _without_statements(view, command)
    understood = only(command, _FLAGS) and plain_words(view) and _alone(command)
    operation = operation_of(found, "postgres") if understood else ""
    capabilities = capabilities_of(found, view.words)
    if fate_of(found) is not Fate.CHECK or not _printed(command):
        return Found(Fate.STEP, capabilities, operation)
    typed = asked(view, command, found[0].code) if len(found) == 1 and not wanting(view) else None
    if typed is not None:
        return Found(Fate.CHECK, capabilities, operation, (typed,))
    return check_of(view, command, found[0], Found(Fate.CHECK, capabilities, operation))


def sql_of(view: View, command: ShellCommand) -> tuple[str, int]:
    """The SQL that a client is given in its words, in a here-document or by an echo, and its first line."""
    words = command.options("-c", "--command", "-e", "--execute")
    if words:
        return ";\n".join(written(view, word) for word in words), words[0].line
    if command.heredoc:
        return command.heredoc.body, command.heredoc.line
    given = next((part.target for part in command.redirections if part.operator == "<<<"), None)
    before = command.piped_from
    if given is None and before is not None and before.name in ("echo", "printf") and before.operands:
        given = before.operands[0]
    return (written(view, given), given.line) if given is not None else ("", 0)


def _alone(command: ShellCommand) -> bool:
    others = [part for part in command.pipeline if part is not command]
    return all(part.name in ("echo", "printf", "tee", "xargs", "tr", "wc", "head", "tail", "grep") for part in others)


def _printed(command: ShellCommand) -> bool:
    """Whether its answer is looked at, or kept in a variable: not filed, by the shell or by itself."""
    return not any(part.of_output and not part.discards for part in command.redirections) and only(command, _CHECKED)


def check_of(view: View, command: ShellCommand, statement: Statement, found: Found) -> Found:
    """The look as a check that runs, or with what is missing for it."""
    settings, expect = run_of(view, command), expected_of(view, command)
    missing = wanting(view)
    if settings is None or expect is None or "$" in statement.text:
        return replace(found, disposition=Disposition.MISSING, missing=missing) if missing else replace(found, fate=Fate.STEP)
    purpose = purpose_of(statement)
    measures = (
        ("connections",) if purpose is Purpose.ACTIVITY and gives_one_number(statement) and "pg_stat_activity" in statement.code else ()
    )
    if "run" in settings:
        settings = {**settings, "run": _argv(list(settings["run"]), statement)}
    if not command.has_flag("-c", "--command"):
        settings = {**settings, "input": f"{one_line(statement)};\n"}
    name = "database-connections" if measures else _NAMES.get(purpose, "database")
    draft = CheckDraft("command", {**settings, **expect}, name=name, every=_HOW_OFTEN.get(purpose, ""), measures=measures)
    if missing:
        return replace(found, disposition=Disposition.MISSING, missing=missing)
    return replace(found, drafts=(draft,))


def _argv(words: list[str], statement: Statement) -> list[str]:
    """The statement on one line; where the answer is a number, it is printed without a frame around it."""
    at = next((at for at, word in enumerate(words) if word in ("-c", "--command")), None)
    if at is None or at + 1 >= len(words):
        return words
    words[at + 1] = one_line(statement)
    framed = not any(word.startswith("-") and not word.startswith("--") and set(word) & set("At") for word in words[:at])
    return [*words[:at], "-At", *words[at:]] if gives_one_number(statement) and framed and "psql" in words else words


def _without_statements(view: View, command: ShellCommand) -> Found:
    """It reads a file or what another program sends: a restore, mostly; or it lists what there is; or a person types."""
    near, understood = said_near(view), only(command, _FLAGS) and plain_words(view)
    file = command.option("-f", "--file") or next((part.target for part in command.redirections if part.operator == "<"), None)
    if file is not None or len(spine(view)) > 1:
        unpacks = all(part.name in ("psql", "gunzip", "zcat", "cat", "zstd", "xz", "bzip2", "gzip", "pv") for part in spine(view))
        verifies = "backup" in near and ("verif" in view.words or "integrity" in view.words)
        dump = written(view, file).lower() if file else near
        restores = any(word in f"{near} {dump}" for word in ("restor", "recover", "dump", "backup"))
        capabilities = (
            ("backup.verify", "restore.database") if verifies else ("restore.database",) if restores else ("update", "database.maintenance")
        )
        operation = ("postgres.restore" if restores else "postgres.run_file") if understood and unpacks else ""
        return Found(Fate.BACKUP if verifies else Fate.STEP, capabilities, operation)
    if command.has_flag("-l", "--list"):
        settings = run_of(view, command)
        drafts = (CheckDraft("command", settings, name="database"),) if settings else ()
        return Found(Fate.CHECK if drafts else Fate.STEP, ("check.postgres",), "postgres.list" if understood else "", drafts)
    return Found(Fate.STEP, ("diagnostics", "check.postgres"), reason="a person types the statements")


RECOGNISER = Recogniser(
    name="psql",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=("psql",),
    read=_read,
    example="""# Shop

## Daily

```bash
# Open connections
psql -h db1 -U shop -d shop -c "SELECT count(*) FROM pg_stat_activity;"
psql -h db1 -U shop -d shop -c "VACUUM ANALYZE orders;"
```
""",
)
