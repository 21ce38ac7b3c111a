"""pg_restore, and making and dropping databases: a PostgreSQL database is brought back (pg_restore(1), createdb(1), dropdb(1))."""

from keepwell.rooms.manual.importing.backup_words import is_verification
from keepwell.rooms.manual.importing.client_words import first_named, only, options, plain_words, spine
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = options(
    "-h --host -p --port -U --username -d --dbname -f --file -F --format -j --jobs -n --schema -N -t --table -T -E "
    "--encoding --role -L --use-list -I -P -v --verbose -c --clean -C --create -a --data-only -s --schema-only -O "
    "--owner --no-owner -x --no-privileges --no-acl --if-exists -w -W -e --exit-on-error -1 --single-transaction -l "
    "--list --template --force -i --interactive --analyze -z --all -a --full"
)
_OPERATIONS = {
    "pg_restore": "postgres.restore",
    "createdb": "postgres.create",
    "dropdb": "postgres.drop",
    "vacuumdb": "postgres.vacuum",
    "reindexdb": "postgres.reindex",
}
_UNPACKS = frozenset((*_OPERATIONS, "cat", "gunzip", "zcat", "gzip", "zstd", "xz", "age", "gpg", "pv"))


def _read(view: View) -> Found | None:
    command = first_named(view, *_OPERATIONS)
    if command is None:
        return None
    understood = only(command, _FLAGS) and plain_words(view) and all(part.name in _UNPACKS for part in spine(view))
    operation = _OPERATIONS[command.name] if understood else ""
    if command.name in ("vacuumdb", "reindexdb"):
        return Found(Fate.STEP, ("database.maintenance",), operation)
    # pg_restore --list reads the table of contents alone.
    if command.name == "pg_restore" and (command.has_flag("-l", "--list") or is_verification(view)):
        return Found(
            Fate.BACKUP,
            ("backup.verify", "restore.database"),
            "postgres.list_dump" if operation and command.has_flag("-l", "--list") else operation,
        )
    return Found(Fate.STEP, ("restore.database",), operation)


RECOGNISER = Recogniser(
    name="pg_restore",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=tuple(_OPERATIONS),
    read=_read,
    example="""# Shop

## Recovery

```bash
pg_restore -h db1 -U shop -d shop --exit-on-error /backup/shop.dump
```
""",
)
