"""What the judge of the played manual finds in an archive, and what a line that was refused says of what was done in its place."""

import json
import sqlite3
import tarfile
from io import BytesIO
from pathlib import Path

from keepwell.rooms.backups.archive.sealing import zstd
from lab.audiodeck.judge import Left, _copy, _instead_of
from lab.audiodeck.layout import Layout


def left(root: Path) -> Left:
    """Of a play that left an empty database, and a report that refused line 514."""
    sqlite3.connect(root / "keepwell.sqlite").close()
    item = {"line": 511, "end_line": 522, "disposition": "refused", "reason": "nothing makes that file", "amendments": [], "missing": []}
    (root / "import-report.json").write_text(json.dumps({"items": [item]}))
    return Left(Layout(root), root, root)


def archive(root: Path, name: str, **files: bytes) -> Path:
    """A copy of the backup ``files`` with files of the settings."""
    folder = root / "backup" / "audiodeck" / "files" / name
    folder.mkdir(parents=True)
    with zstd.ZstdFile(folder / "archive.tar.zst", "w") as stream, tarfile.open(fileobj=stream, mode="w|") as tar:
        for file, content in files.items():
            member = tarfile.TarInfo(f"{root}/opt/audiodeck/config/{file}".lstrip("/"))
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return folder / "archive.tar.zst"


def test_a_copy_is_asked_for_what_is_in_its_archive(tmp_path: Path) -> None:
    play = left(tmp_path)
    asked = {"copy": "files", "has": "opt/audiodeck/config/port", "holds": "^300[0-9]$"}
    assert _copy(play, asked) == (False, "copy none of files has opt/audiodeck/config/port that holds '^300[0-9]$' (0)")
    archive(tmp_path, "20260101T000000.000Z-a", port=b"3001")
    assert _copy(play, asked)[0]
    assert not _copy(play, {**asked, "holds": "4001"})[0]
    assert not _copy(play, {**asked, "has": "opt/audiodeck/config/other"})[0]
    newest = archive(tmp_path, "20260102T000000.000Z-b", other=b"")
    assert not _copy(play, asked)[0]
    newest.write_bytes(newest.read_bytes()[:-9])  # one that cannot be read to its end is not asked
    assert _copy(play, asked) == (True, "copy 20260101T000000.000Z-a of files has opt/audiodeck/config/port that holds '^300[0-9]$' (1)")


def test_in_the_place_of_a_line_counts_only_where_that_was_refused(tmp_path: Path) -> None:
    play = left(tmp_path)
    assert _instead_of(play, {"instead_of": 514}) == (True, "instead of line 514, which was refused (nothing makes that file)")
    assert _instead_of(play, {"instead_of": 600}) == (False, "line 600 was not refused")
