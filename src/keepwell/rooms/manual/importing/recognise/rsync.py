"""rsync: files are copied to a place for copies, brought back from one, or moved elsewhere (rsync(1))."""

import re

from keepwell.rooms.manual.importing.backup_words import (
    backup,
    in_backup_place,
    is_backup_place,
    is_incremental,
    is_restore,
    name_of,
    place_of,
    restores,
)
from keepwell.rooms.manual.importing.client_words import first_named, only, options, plain_words, spine, wanting, written
from keepwell.rooms.manual.importing.model import Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.names import slug
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind

_FLAGS = options(
    "-a -v -z -r -l -p -t -g -o -D -H -A -X -h -P -e -n -c -u -q -x -W -S --archive --verbose --compress --delete "
    "--delete-after --delete-excluded --exclude --exclude-from --include --progress --partial --stats --dry-run "
    "--checksum --bwlimit --rsh --link-dest --backup --backup-dir --numeric-ids --timeout --human-readable "
    "--one-file-system --relative -R --ignore-existing --remove-source-files --info --log-file --rsync-path --chown "
    "--chmod --inplace"
)


def _read(view: View) -> Found | None:
    command = first_named(view, "rsync")
    if command is None or len(command.operands) < 2:
        return None
    sources, target = command.operands[:-1], command.operands[-1]
    start, end = written(view, sources[0]), written(view, target)
    operation = "files.synchronise" if only(command, _FLAGS) and plain_words(view) and len(spine(view)) == 1 else ""
    from_copy, to_copy = is_backup_place(view, sources[0]), is_backup_place(view, target)
    if from_copy and (is_restore(view) or not (to_copy or _remote(end))):
        return Found(Fate.STEP, restores(view, f"{start} {end}"), operation)
    if not (to_copy or from_copy or in_backup_place(view.words)):
        return Found(Fate.STEP, tuple(dict.fromkeys((purposes(view)[0], "deploy"))), operation)
    incremental = is_incremental(view) or command.has_flag("--link-dest")
    kinds = (
        ("backup.incremental", "backup.files") if incremental else ("backup.offsite", "backup.files") if _remote(end) else ("backup.files",)
    )
    paths = [text for word in sources if "$" not in (text := written(view, word))]
    if from_copy or wanting(view) or not paths:
        return Found(Fate.BACKUP, kinds, operation)
    excluded = [written(view, word) for word in command.options("--exclude")]
    source = {"files": {"paths": paths, **({"exclude": excluded} if excluded else {})}}
    place = end.rstrip("/") if _remote(end) and "$" not in end else place_of(end) or place_of(f"{end.rstrip('/')}/")
    return Found(Fate.BACKUP, kinds, operation, backup(view, name_of(paths[0].rstrip("/")) or slug(paths[0]), source, place))


def _remote(text: str) -> bool:
    return bool(re.match(r"(?:[\w.-]+@)?[\w.-]+:(?!//)|rsync://", text))


RECOGNISER = Recogniser(
    name="rsync",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=("rsync",),
    read=_read,
    example="""# Shop

## Nightly

```bash
rsync -a --delete /srv/shop/images/ backup@store1:/backup/shop/
```
""",
)
