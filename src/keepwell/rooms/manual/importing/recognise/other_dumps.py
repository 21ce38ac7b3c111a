"""Copies by other programs: MongoDB, SQLite, etcd, volumes of a cluster, PostgreSQL's archives, and the encryption of a copy."""

import re

from keepwell.rooms.manual.importing.backup_words import backup, in_backup_place, is_backup_place, is_restore, name_of, place_of
from keepwell.rooms.manual.importing.client_words import first_named, only, options, plain_words, spine, written
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_BACKUP, _VERIFY, _PRUNE, _RESTORE = "backup", "verify", "prune", "restore"
_CALLS = (
    ("mongodump", "", _BACKUP),
    ("mongorestore", "", _RESTORE),
    ("sqlite3", r"\.(?:backup|dump)\b|\bVACUUM INTO\b", _BACKUP),
    ("sqlite3", r"\.restore\b|\.read\b", _RESTORE),
    ("sqlite3", r"integrity_check|quick_check", _VERIFY),
    ("etcdctl", r"^snapshot save\b", _BACKUP),
    ("etcdctl", r"^snapshot restore\b", _RESTORE),
    ("etcdctl", r"^snapshot status\b", _VERIFY),
    ("etcdutl", r"^snapshot restore\b", _RESTORE),
    ("etcdutl", r"^snapshot status\b", _VERIFY),
    ("velero", r"^(?:create backup|backup create)\b|^(?:create schedule|schedule create)\b", _BACKUP),
    ("velero", r"^(?:create restore|restore create)\b", _RESTORE),
    ("velero", r"^(?:backup (?:get|describe|logs)|get backups?|describe backups?)\b", _VERIFY),
    ("velero", r"^(?:backup delete|delete backup)\b", _PRUNE),
    ("pgbackrest", r"^backup\b", _BACKUP),
    ("pgbackrest", r"^(?:info|check|verify)\b", _VERIFY),
    ("pgbackrest", r"^expire\b", _PRUNE),
    ("pgbackrest", r"^restore\b", _RESTORE),
    ("barman", r"^(?:backup|cron)\b", _BACKUP),
    ("barman", r"^(?:check|list-backups?|show-backup|verify-backup)\b", _VERIFY),
    ("barman", r"^delete\b", _PRUNE),
    ("barman", r"^recover\b", _RESTORE),
    ("wal-g", r"^(?:backup-push|wal-push)\b", _BACKUP),
    ("wal-g", r"^(?:backup-list|wal-verify)\b", _VERIFY),
    ("wal-g", r"^delete\b", _PRUNE),
    ("wal-g", r"^(?:backup-fetch|wal-fetch)\b", _RESTORE),
)
_CIPHERS = ("gpg", "age")
_PROGRAMS = tuple(dict.fromkeys((*(program for program, _, _ in _CALLS), *_CIPHERS)))
_FLAGS = options(
    "-h --host --port -d --db -c --collection -o --out --archive --gzip --drop --uri --quiet -v --verbose --oplog --oplogReplay --readonly "
    "-readonly --endpoints --cacert --cert --key --data-dir -w --write-out --stanza --type --repo --set --delta --pg1-path "
    "--include-namespaces --ttl --wait -n --namespace --from-backup --selector -l --schedule --details --target-time --confirm --yes -r "
    "--recipient -e --encrypt --batch -s --symmetric --passphrase-file -R -i -p --output --decrypt --trust-model"
)
_ABOUT = {_BACKUP: "backup.database", _VERIFY: "backup.verify", _PRUNE: "backup.retention", _RESTORE: "restore.database"}


def _read(view: View) -> Found | None:
    command = first_named(view, *_PROGRAMS)
    if command is None:
        return None
    understood = only(command, _FLAGS) and plain_words(view) and len(spine(view)) == 1
    if command.name in _CIPHERS:
        return _enciphered(view, command, understood)
    text = " ".join(word.filled for word in command.operands)
    does = next((does for program, pattern, does in _CALLS if program == command.name and re.search(pattern, text)), "")
    if not does:
        return None
    about = _ABOUT[does].replace("database", "files" if command.name == "velero" else "database")
    operation = f"{command.name.replace('-', '_')}.{does}" if understood else ""
    if does != _BACKUP:
        return Found(Fate.STEP if does == _RESTORE else Fate.BACKUP, (about,), operation)
    target = _target(view, command)
    drafts = backup(view, name_of(target), _source(view, command), place_of(target), target) if place_of(target) else ()
    return Found(Fate.BACKUP, (about,), operation, drafts)


def _source(view: View, command: ShellCommand) -> dict[str, dict[str, str]]:
    """What is copied: the kind of database, and its name where one is given."""
    name = command.option("-d", "--db")
    database = written(view, name) if name else ""
    kind = {"mongodump": "mongodb", "etcdctl": "etcd", "wal-g": "wal_g"}.get(command.name, command.name)
    return {kind: {"database": database} if database and "$" not in database else {}}


def _target(view: View, command: ShellCommand) -> str:
    """Where the copy goes: its own option, the operand of a snapshot, a redirection."""
    option = command.option("-o", "--out", "--archive")
    redirected = [part.target for one in command.pipeline for part in one.redirections if part.of_output and not part.discards]
    operand = command.operands[-1:] if command.name == "etcdctl" else ()
    word = next((word for word in (option, *redirected, *operand) if word is not None), None)
    return written(view, word) if word is not None else ""


def _enciphered(view: View, command: ShellCommand, understood: bool) -> Found | None:
    """A copy is enciphered, or deciphered in order to be brought back; what else these programs do is no matter of copies."""
    words = (*command.operands, *(part.target for part in command.redirections), *command.options("-o", "--output"))
    if not any(is_backup_place(view, word) for word in words) and not in_backup_place(view.words):
        return None
    opens = command.has_flag("-d", "--decrypt")
    operation = f"{command.name}.{'decrypt' if opens else 'encrypt'}" if understood else ""
    if opens:
        said = [word for word in purposes(view) if word.startswith("restore.")]
        return Found(Fate.STEP if is_restore(view) else Fate.BACKUP, (*said[:1], "backup.verify")[:2], operation)
    return Found(Fate.BACKUP, ("backup.files", "security.secrets"), operation)


RECOGNISER = Recogniser(
    name="other_dumps",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=_PROGRAMS,
    read=_read,
    example="""# Shop

## Nightly backup

```bash
mongodump --db shop --gzip --archive=/backup/shop-$(date +%F).gz
etcdctl snapshot save /backup/etcd.db
```
""",
)
