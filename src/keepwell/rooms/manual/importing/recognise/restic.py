"""restic and borg: copies in a deduplicated repository are made, listed, checked, pruned, brought back (their manuals)."""

from keepwell.rooms.manual.importing.backup_words import cadence_of, repository, restores
from keepwell.rooms.manual.importing.client_words import first_named, only, options, plain_words, spine, written
from keepwell.rooms.manual.importing.model import EntryDraft, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_PROGRAMS = ("restic", "borg", "borgmatic")
_FLAGS = options(
    "-r --repo -p --password-file --tag --keep-daily --keep-weekly --keep-monthly --keep-yearly --keep-last "
    "--keep-hourly --keep-within --target --include --exclude --exclude-file --host --prune --read-data "
    "--read-data-subset --verbose -v --stats --compression -C --list --dry-run -n --one-file-system --path --json "
    "--no-lock --quiet -q --progress --group-by --stdin --stdin-filename --repository --verify-data --last "
    "--strip-components --compact"
)
_VERBS = {
    **dict.fromkeys(("backup", "create"), "backup"),
    **dict.fromkeys(("snapshots", "list", "info", "ls", "find", "diff", "stats"), "list"),
    **dict.fromkeys(("check", "verify"), "check"),
    **dict.fromkeys(("forget", "prune", "delete", "compact"), "prune"),
    **dict.fromkeys(("restore", "extract", "mount", "dump"), "restore"),
    **dict.fromkeys(("init", "unlock", "break-lock", "migrate", "key"), "prepare"),
}
_KEPT = (
    ("days", "--keep-daily"),
    ("weekly", "--keep-weekly"),
    ("monthly", "--keep-monthly"),
    ("yearly", "--keep-yearly"),
    ("last", "--keep-last"),
)


def _read(view: View) -> Found | None:
    command = first_named(view, *_PROGRAMS)
    if command is None:
        return None
    verb = _VERBS.get(command.subcommand or ("create" if command.name == "borgmatic" else ""), "")
    understood = bool(verb) and only(command, _FLAGS) and plain_words(view) and len(spine(view)) == 1
    operation = f"{command.name}.{verb}" if understood else ""
    match verb:
        case "backup":
            return Found(Fate.BACKUP, ("backup.files", "backup.incremental"), operation, _entries(view, command))
        case "prune":
            return Found(Fate.BACKUP, ("backup.retention",), operation, _kept(view, command))
        case "list" | "check":
            return Found(Fate.BACKUP, ("backup.verify", "check.backup_freshness"), operation)
        case "restore":
            return Found(Fate.STEP, restores(view), operation)
        case _:
            return Found(Fate.BACKUP, ("backup.files",), operation)


def _place(view: View, command: ShellCommand) -> str:
    option = command.option("-r", "--repo", "--repository")
    if option is not None:
        text = written(view, option)
    else:
        archive = next((written(view, word) for word in command.operands[1:] if "::" in word.filled), "")
        text = archive.partition("::")[0]
    return "" if "$" in text or "@" in text.partition("://")[2].partition("/")[0] else text


def _entries(view: View, command: ShellCommand) -> tuple[EntryDraft, ...]:
    texts = [written(view, word) for word in command.operands[1:]]
    paths = [text for text in texts if text.startswith("/") and "::" not in text and "$" not in text]
    if not paths:
        return ()
    to, repositories = _repository(view, command)
    excluded = [written(view, word) for word in command.options("--exclude")]
    every = cadence_of(view)
    source = {"files": {"paths": paths, **({"exclude": excluded} if excluded else {})}}
    value = {**source, **({"to": to} if to else {}), **({"every": every} if every else {})}
    return (*repositories, EntryDraft("backups", slug(paths[0]), value))


def _repository(view: View, command: ShellCommand) -> tuple[str, tuple[EntryDraft, ...]]:
    place = _place(view, command)
    name, entries = repository(place)
    engine = "borg" if command.name.startswith("borg") else "restic"
    return name, tuple(EntryDraft(entry.section, entry.name, {engine: {"path": place}}) for entry in entries)


def _kept(view: View, command: ShellCommand) -> tuple[EntryDraft, ...]:
    """What a repository keeps; it holds for every copy in it."""
    kept = {key: int(text) for key, flag in _KEPT if (value := command.option(flag)) and (text := written(view, value)).isdigit()}
    name, repositories = _repository(view, command)
    return (*repositories, EntryDraft("repositories", name, {"keep": kept})) if kept and name else ()


RECOGNISER = Recogniser(
    name="restic",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=_PROGRAMS,
    read=_read,
    example="""# Shop

## Nightly

```bash
restic -r /backup/restic backup /srv/shop --exclude /srv/shop/cache
restic -r /backup/restic forget --keep-daily 7 --prune
```
""",
)
