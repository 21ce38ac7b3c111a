"""mysql, mariadb and their companions mysqldump and mysqladmin: what they ask, change, copy or restore (their manual pages)."""

from dataclasses import replace

from keepwell.rooms.manual.importing.backup_words import backup, is_verification, name_of, place_of
from keepwell.rooms.manual.importing.client_words import (
    certain,
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
from keepwell.rooms.manual.importing.database_words import capabilities_of, fate_of, operation_of
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand
from keepwell.rooms.manual.reading.sql import statements

_CLIENTS = ("mysql", "mariadb")
_DUMPS = ("mysqldump", "mariadb-dump")
_ADMINS = ("mysqladmin", "mariadb-admin")
_FLAGS = options(
    "-h --host -P --port -u --user -p --password -D --database -e --execute -S --socket --protocol -B --batch -N "
    "--skip-column-names -s --silent -t --table --defaults-file --defaults-extra-file --default-character-set "
    "--single-transaction --routines --triggers --events --all-databases -A --databases --no-data -d --quick -q "
    "--result-file -r --compress -C -v --verbose --add-drop-table --add-drop-database --master-data --source-data "
    "--where --ignore-table"
)
_LOOKS = options("ping status processlist extended-status variables version")
_FILTERS = frozenset(
    ("gzip", "gunzip", "zcat", "cat", "zstd", "xz", "bzip2", "pv", "age", "gpg", "echo", "tee", "grep", *_CLIENTS, *_DUMPS, *_ADMINS)
)
_SERVER = (("host", ("-h", "--host")), ("port", ("-P", "--port")), ("user", ("-u", "--user")))


def _read(view: View) -> Found | None:
    command = first_named(view, *_CLIENTS, *_DUMPS, *_ADMINS)
    if command is None:
        return None
    understood = only(command, _FLAGS) and plain_words(view) and all(part.name in _FILTERS for part in spine(view))
    if command.name in _DUMPS:
        return _dump(view, command, understood)
    if command.name in _ADMINS:
        return _administers(view, command, understood)
    return _client(view, command, understood)


def _client(view: View, command: ShellCommand, understood: bool) -> Found:
    option = command.option("-e", "--execute")
    text = written(view, option) if option else command.heredoc.body if command.heredoc else ""
    found = tuple(statements(text, command.line, "mysql"))
    if not found:
        given = any(part.operator == "<" for part in command.redirections) or len(spine(view)) > 1
        restores = given and any(word in said_near(view) for word in ("restor", "recover", "dump", "backup"))
        capabilities = ("restore.database",) if restores else ("database.maintenance",) if given else ("diagnostics",)
        return Found(Fate.STEP, capabilities, "mysql.restore" if restores and understood else "")
    # The catalogue's words know one kind of database check; what is asked is the same.
    base = Found(fate_of(found), capabilities_of(found, view.words), operation_of(found, "mysql") if understood else "")
    if base.fate is Fate.CHECK and not understood:
        return replace(base, fate=Fate.STEP)
    return _as_check(view, command, base, "database") if base.fate is Fate.CHECK else base


def _as_check(view: View, command: ShellCommand, found: Found, name: str) -> Found:
    missing = wanting(view)
    if missing:
        return replace(found, disposition=Disposition.MISSING, missing=missing)
    # A password among the words would stand in the configuration for everyone to read; -p without one asks a person.
    settings = None if command.has_flag("-p", "--password") else run_of(view, command)
    expect = expected_of(view, command)
    if settings is None or expect is None:
        return replace(found, fate=Fate.STEP)
    return replace(found, drafts=(CheckDraft("command", {**settings, **expect}, name=name),))


def _administers(view: View, command: ShellCommand, understood: bool) -> Found:
    verb = command.subcommand
    looks = all((word.text or "") in _LOOKS for word in command.operands)
    if looks and understood:
        return _as_check(
            view, command, Found(Fate.CHECK, ("check.service", "check.postgres"), f"mysql.{verb}" if understood else ""), "database-ready"
        )
    known = understood and verb in ("shutdown", "reload", "refresh", "flush-logs", "flush-hosts", "flush-tables", "kill")
    return Found(Fate.STEP, ("runbook", "database.maintenance"), f"mysql.{verb.replace('-', '_')}" if known else "")


def _dump(view: View, command: ShellCommand, understood: bool) -> Found:
    operation = "mysql.dump" if understood else ""
    if any(part.name in _CLIENTS for part in spine(view)):
        return Found(Fate.STEP, ("restore.database", "backup.database"), "mysql.copy" if understood else "")
    redirections = [part for one in spine(view) for part in one.redirections if part.of_output and not part.discards]
    option = command.option("-r", "--result-file")
    target = written(view, option) if option else written(view, redirections[-1].target) if redirections else ""
    if is_verification(view) or target.startswith("/tmp/"):
        return Found(Fate.BACKUP, ("backup.verify", "backup.database"), operation)
    source = {key: text for key, flags in _SERVER if (value := command.option(*flags)) and (text := certain(view, value))}
    if command.operands and (database := certain(view, command.operands[0])):
        source["database"] = database
    return Found(
        Fate.BACKUP,
        ("backup.database",),
        operation,
        backup(view, name_of(target) or "database", {"mysql": source}, place_of(target), target),
    )


RECOGNISER = Recogniser(
    name="mysql",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=(*_CLIENTS, *_DUMPS, *_ADMINS),
    read=_read,
    example="""# Shop

## Daily

```bash
mysqladmin -h db1 ping
mysqldump --single-transaction shop | gzip > /backup/shop-$(date +%F).sql.gz
```
""",
)
