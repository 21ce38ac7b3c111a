"""tar, zip and unzip: archives are made, listed and unpacked (tar(1), zip(1), unzip(1))."""

import re

from keepwell.rooms.manual.importing.backup_words import (
    backup,
    in_backup_place,
    is_backup_place,
    is_incremental,
    is_restore,
    is_verification,
    name_of,
    place_of,
    restores,
)
from keepwell.rooms.manual.importing.client_words import certain, first_named, only, options, plain_words, spine, written
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_PROGRAMS = ("tar", "gtar", "bsdtar", "zip", "unzip")
_FLAGS = options(
    "-c -x -t -r -u -z -j -J -a -v -p -P -h -k -O -f -C -T -X -g -S -W --create --extract --list --gzip --zstd --xz "
    "--bzip2 --verbose --file --directory --exclude --exclude-from --strip-components --listed-incremental "
    "--absolute-names --preserve-permissions --same-owner --one-file-system --warning --ignore-failed-read "
    "--to-stdout --use-compress-program -I --files-from --xattrs --acls --selinux --numeric-owner --no-same-owner "
    "--newer --verify --overwrite --anchored --wildcards -q -l -o -d -n --keep-old-files"
)
_FILTERS = frozenset(
    (
        *_PROGRAMS,
        "gzip",
        "pigz",
        "zstd",
        "xz",
        "age",
        "gpg",
        "openssl",
        "grep",
        "head",
        "wc",
        "sort",
        "tee",
        "gunzip",
        "zcat",
        "cat",
        "split",
    )
)


def _read(view: View) -> Found | None:
    command = first_named(view, *_PROGRAMS)
    if command is None:
        return None
    understood = only(command, _FLAGS) and plain_words(view) and all(part.name in _FILTERS for part in spine(view))
    does = _mode(command)
    if does == "list":
        return Found(Fate.BACKUP, ("backup.verify",), f"{_family(command)}.list" if understood else "")
    if does == "extract":
        return _extracted(view, command, understood)
    return _created(view, command, f"{_family(command)}.create" if understood and does else "")


def _family(command: ShellCommand) -> str:
    return "tar" if command.name.endswith("tar") else "zip"


def _mode(command: ShellCommand) -> str:
    """What the archive is for: create, extract, list; empty where it cannot be told. ``tar xzf`` needs no hyphen."""
    if command.name == "zip":
        return "create"
    if command.name == "unzip":
        return "list" if command.has_flag("-l", "-t", "-v") else "extract"
    old = command.arguments[0].filled if command.arguments and re.fullmatch(r"[a-zA-Z]+", command.arguments[0].filled) else ""
    for letter, long, name in (
        ("c", "--create", "create"),
        ("x", "--extract", "extract"),
        ("x", "--get", "extract"),
        ("t", "--list", "list"),
    ):
        if letter in old or command.has_flag(f"-{letter}", long):
            return name
    return ""


def _archive(view: View, command: ShellCommand) -> tuple[str, list[str]]:
    """The archive, and what goes into it or comes out."""
    operands = [written(view, word) for word in command.operands]
    option = command.option("-f", "--file")
    if command.name in ("zip", "unzip"):
        return (operands[0] if operands else ""), operands[1:]
    if option is not None and option.filled != "-":
        return written(view, option), operands
    old = bool(operands) and command.arguments[0].filled == operands[0] and "f" in operands[0] and operands[0].isalpha()
    if old:
        return (operands[1] if len(operands) > 1 else ""), operands[2:]
    redirections = [part for one in spine(view) for part in one.redirections if part.of_output and not part.discards]
    return (written(view, redirections[-1].target) if redirections else ""), operands


def _created(view: View, command: ShellCommand, operation: str) -> Found:
    archive, paths = _archive(view, command)
    place = command.option("-f", "--file")
    if not (in_backup_place(archive) or in_backup_place(view.words) or (place is not None and is_backup_place(view, place))):
        said = purposes(view)
        evidence = "incident.evidence" if re.search(r"incident|evidence|diagnos|forensic", f"{archive} {view.words}".lower()) else said[0]
        return Found(Fate.STEP, (evidence,), operation)
    kinds = (
        ("backup.incremental", "backup.files")
        if is_incremental(view) or command.has_flag("-g", "--listed-incremental")
        else ("backup.files",)
    )
    options = [text for word in command.options("--exclude", "-x") if (text := certain(view, word))]
    folder = command.option("-C", "--directory")
    base = written(view, folder) if folder else ""
    place_text = place_of(archive)
    # What is packed out of the place for copies is a working copy: the commands that made it say what is in it.
    inside = bool(place_text) and base.startswith(place_text)
    kept = [
        path if path.startswith("/") or not base else f"{base.rstrip('/')}/{path}" for path in paths if "$" not in path and "`" not in path
    ]
    source = {"files": {"paths": kept, **({"exclude": options} if options else {})}} if kept and not inside else {}
    return Found(Fate.BACKUP, kinds, operation, backup(view, name_of(archive), source, place_text, archive))


def _extracted(view: View, command: ShellCommand, understood: bool) -> Found:
    archive, paths = _archive(view, command)
    operation = f"{_family(command)}.extract" if understood else ""
    if command.has_flag("-O", "--to-stdout") or (is_verification(view) and not is_restore(view)):
        return Found(Fate.BACKUP, ("backup.verify",), operation)
    if is_restore(view) or in_backup_place(archive):
        return Found(Fate.STEP, restores(view, " ".join((archive, *paths))), operation)
    return Found(Fate.STEP, purposes(view)[:2], operation)


RECOGNISER = Recogniser(
    name="tar",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=_PROGRAMS,
    read=_read,
    example="""# Shop

## Weekly

```bash
tar -czf /backup/shop-config-$(date +%F).tar.gz --exclude='*.tmp' /etc/shop
tar -tzf /backup/shop-config-2026-01-04.tar.gz > /dev/null
```
""",
)
