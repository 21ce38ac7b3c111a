"""gzip and its like: a copy or a log is packed, unpacked or tested; also what they feed to another program (gzip(1), zstd(1), xz(1))."""

from keepwell.rooms.manual.importing.backup_words import in_backup_place, is_backup_place, is_of_database, is_restore, restores
from keepwell.rooms.manual.importing.client_words import first_named, only, options, plain_words, spine, written
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind

_PACKS = ("gzip", "pigz", "zstd", "xz", "bzip2", "lz4")
_UNPACKS = ("gunzip", "unpigz", "unzstd", "unxz", "bunzip2")
_FLAGS = options(
    "-c -d -t -k -f -v -q -r -n -l -p -T --stdout --decompress --test --keep --force --verbose --quiet --best "
    "--fast --rm -o --recursive --list --threads --long -z -S --suffix"
)


def _read(view: View) -> Found | None:
    command = first_named(view, *_PACKS, *_UNPACKS)
    if command is None or command.name not in (*_PACKS, *_UNPACKS):
        return None
    if len(spine(view)) > 1 or not command.operands:
        return None  # what it feeds, or is fed by, says what it is for
    target = " ".join(written(view, word) for word in command.operands)
    understood = only(command, _FLAGS) and plain_words(view)
    name = "zstd" if "zstd" in command.name else "xz" if command.name.endswith("xz") else "gzip"
    kept = any(is_backup_place(view, word) for word in command.operands)
    if command.has_flag("-t", "--test", "-l", "--list"):
        return Found(Fate.BACKUP, ("backup.verify",), f"{name}.test" if understood else "")
    if command.name in _UNPACKS or command.has_flag("-d", "--decompress"):
        restoring = is_restore(view) or kept
        return Found(Fate.STEP, restores(view, target) if restoring else purposes(view)[:2], f"{name}.decompress" if understood else "")
    if kept or in_backup_place(view.words):
        capability = "backup.database" if is_of_database(f"{target} {view.words}") else "backup.files"
        return Found(Fate.BACKUP, (capability,), f"{name}.compress" if understood else "")
    if "log" in target.lower():
        return Found(Fate.LOGS, ("logs.rotate", "logs.cleanup"), f"{name}.compress" if understood else "")
    return Found(Fate.STEP, purposes(view)[:2], f"{name}.compress" if understood else "")


RECOGNISER = Recogniser(
    name="gzip",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=(*_PACKS, *_UNPACKS),
    read=_read,
    example="""# Shop

```bash
gzip /backup/shop.sql
gzip -t /backup/shop.sql.gz
```
""",
)
