"""pg_dump, pg_dumpall and pg_basebackup: a copy of a PostgreSQL database or server is made (their manual pages)."""

from typing import Any

from keepwell.rooms.manual.importing.backup_words import backup, is_incremental, is_verification, name_of, place_of
from keepwell.rooms.manual.importing.client_words import certain, first_named, only, options, plain_words, spine, written
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_FLAGS = options(
    "-h --host -p --port -U --username -d --dbname -f --file -F --format -j --jobs -n --schema -N -t --table -T -E "
    "--encoding --role -Z --compress -v --verbose -c --clean -C --create -a --data-only -s --schema-only -O "
    "--no-owner -x --no-privileges --no-acl --if-exists -w --no-password -W -g --globals-only -r --roles-only -D "
    "--pgdata -X --wal-method -l --label --checkpoint -P --progress -R --blobs -b --inserts -z --gzip "
    "--exclude-table --exclude-table-data --exclude-schema --no-comments --quote-all-identifiers "
    "--lock-wait-timeout"
)
_FILTERS = frozenset(("psql", "pg_restore", "gzip", "pigz", "zstd", "xz", "bzip2", "age", "gpg", "openssl", "tee", "split", "pv"))
_DATA = (("host", ("-h", "--host")), ("port", ("-p", "--port")), ("user", ("-U", "--username")), ("database", ("-d", "--dbname")))


def _read(view: View) -> Found | None:
    command = first_named(view, "pg_dump", "pg_dumpall", "pg_basebackup")
    if command is None:
        return None
    target = target_of(view, command)
    kind = "backup.incremental" if is_incremental(view) else "backup.verify" if is_verification(view) else "backup.database"
    others = [part for part in spine(view) if part is not command]
    understood = only(command, _FLAGS) and plain_words(view) and all(part.name in _FILTERS for part in others)
    operation = f"postgres.{'base_backup' if command.name == 'pg_basebackup' else 'dump'}" if understood else ""
    capabilities = tuple(dict.fromkeys((kind, "backup.database")))
    if any(part.name in ("psql", "pg_restore") for part in others):
        return Found(Fate.STEP, ("restore.database", "backup.database"), "postgres.copy" if understood else "")
    if kind == "backup.verify" or target.startswith("/tmp/"):
        return Found(Fate.BACKUP, capabilities, operation)
    return Found(
        Fate.BACKUP,
        capabilities,
        operation,
        backup(view, name_of(target) or "database", {"postgres": _source(view, command)}, place_of(target), target),
    )


def target_of(view: View, command: ShellCommand) -> str:
    """Where a dump is written: its own option, a redirection of it or of the last program of its pipeline."""
    option = command.option("-f", "--file", "-D", "--pgdata", "--result-file", "--out", "--archive")
    if option is not None:
        return written(view, option)
    redirections = [part for one in command.pipeline for part in one.redirections if part.of_output and not part.discards]
    return written(view, redirections[-1].target) if redirections else ""


def _source(view: View, command: ShellCommand) -> dict[str, Any]:
    """Which database, as its options say: only what is certain, never a password."""
    found = {key: certain(view, value) for key, flags in _DATA if (value := command.option(*flags)) is not None}
    if "database" not in found and command.name == "pg_dump" and command.operands:
        found["database"] = certain(view, command.operands[-1])
    known = {key: text for key, text in found.items() if text and "://" not in text}
    if command.name != "pg_dump":
        known["all"] = True  # type: ignore[assignment]  # a whole server, not one database
    return dict(known)


RECOGNISER = Recogniser(
    name="pg_dump",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=("pg_dump", "pg_dumpall", "pg_basebackup"),
    read=_read,
    example="""# Shop

## Daily

```bash
pg_dump -h db1 -U shop -d shop | gzip > /backup/shop-$(date +%F).sql.gz
```
""",
)
