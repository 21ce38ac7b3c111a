"""Corruptions planted into a copy: each is caught by the proof, with the sentence that says what is wrong, and the copy counts no more."""

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from backports import zstd

from keepwell.ports.fakes import FakeClock
from keepwell.ports.work import Outcome
from keepwell.rooms.backups import store
from keepwell.rooms.backups.archive.files import part_of
from keepwell.rooms.backups.archive.layout import MANIFEST, SIGNATURE, manifest_bytes, member_line, read_manifest, read_member
from keepwell.rooms.backups.archive.repository import found_in
from keepwell.rooms.backups.archive.signing import Signer, signer_in
from keepwell.rooms.backups.model import Member
from tests.backups import NOW, Rig, rig_on

Plant = Callable[[Rig, Path], None]


def write(path: Path, data: bytes) -> None:
    """Writes over a file."""
    path.write_bytes(data)


def flip(path: Path, place: float = 0.5) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * place)] ^= 1
    write(path, bytes(data))


def append(path: Path) -> None:
    write(path, path.read_bytes() + b"x")


def resign(folder: Path, key: Signer, **changes: object) -> None:
    """Makes manifest and signature fit what lies in the folder: what a mistake in the writing itself would leave behind."""
    manifest = read_manifest((folder / MANIFEST).read_bytes())
    parts = {"archive": part_of(folder / manifest.archive.name), "members": part_of(folder / manifest.members.name)}
    data = manifest_bytes(replace(manifest, **{**parts, **changes}))  # type: ignore[arg-type]
    write(folder / MANIFEST, data)
    write(folder / SIGNATURE, key.sign(data))


def recorded(rig: Rig, folder: Path, **changes: object) -> None:
    """The same, signed by the server's own key."""
    resign(folder, signer_in(rig.data), **changes)


def members(folder: Path) -> list[Member]:
    return [read_member(line) for line in zstd.decompress((folder / "members.jsonl.zst").read_bytes()).splitlines()]


def list_anew(folder: Path, found: list[Member]) -> None:
    write(folder / "members.jsonl.zst", zstd.compress(b"".join(map(member_line, found))))


def tar_anew(folder: Path, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]) -> None:
    """Writes the archive again, each member as ``change`` makes it."""
    content, new = io.BytesIO(zstd.decompress((folder / "archive.tar.zst").read_bytes())), io.BytesIO()
    with (
        tarfile.open(fileobj=content, errors="surrogateescape") as old,
        tarfile.open(fileobj=new, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for info in old:
            file = old.extractfile(info) if info.isreg() else None
            changed = change(info, file.read() if file else b"")
            if changed is not None:
                archive.addfile(changed[0], io.BytesIO(changed[1]))
    write(folder / "archive.tar.zst", zstd.compress(new.getvalue()))


def only(name: str, change: Callable[[tarfile.TarInfo, bytes], tuple[tarfile.TarInfo, bytes] | None]) -> Callable[..., object]:
    """Changes the member whose path ends so, and leaves the others."""
    return lambda info, data: change(info, data) if info.name.endswith(name) else (info, data)


def other_mode(info: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info.mode = 0o666
    return info, data


def swap_archives(rig: Rig, folder: Path) -> None:
    older = sorted((rig.repository / "settings").glob("2*"))[0]
    shutil.copy(older / "archive.tar.zst", folder / "archive.tar.zst")


def replay(rig: Rig, folder: Path) -> None:
    older = sorted((rig.repository / "settings").glob("2*"))[0]
    shutil.rmtree(folder)
    shutil.copytree(older, folder)


def foreign_key(rig: Rig, folder: Path) -> None:
    other = rig.folder / "other"
    other.mkdir()
    resign(folder, signer_in(other))


def loses_last(rig: Rig, folder: Path) -> None:
    """The list and the totals are right, and the archive lacks its last member: what a writer that ends too early leaves."""
    tar_anew(folder, only("täg\n1", lambda info, data: None))  # type: ignore[arg-type]
    recorded(rig, folder)


def rewrites(change: Callable[..., object]) -> Plant:
    def plant(rig: Rig, folder: Path) -> None:
        tar_anew(folder, change)  # type: ignore[arg-type]
        recorded(rig, folder)

    return plant


def extra_member(rig: Rig, folder: Path) -> None:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tarfile.TarInfo("etc/cron.d/evil"), io.BytesIO())
    inner = zstd.decompress((folder / "archive.tar.zst").read_bytes()).rstrip(b"\0")
    inner += bytes(-len(inner) % 512)
    write(folder / "archive.tar.zst", zstd.compress(inner + content.getvalue()))
    recorded(rig, folder)


def leads_outside(rig: Rig, folder: Path) -> None:
    """A member whose path leads out of the folder, in the archive and in the list alike."""
    away = f"{'../' * 12}tmp/keepwell-was-here"

    def change(info: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        info.name = away
        info.pax_headers.pop("path", None)
        return info, data

    tar_anew(folder, only("shop.conf", change))  # type: ignore[arg-type]
    list_anew(folder, [replace(one, path=away) if one.path.endswith("shop.conf") else one for one in members(folder)])
    recorded(rig, folder)


def through_a_link(rig: Rig, folder: Path) -> None:
    """A link to a folder outside, and a member that would be written through it, in the archive and in the list alike."""
    outside = rig.folder / "outside"
    outside.mkdir()
    found = members(folder)
    link = next(one for one in found if one.path.endswith("conf/nowhere"))
    file = next(one for one in found if one.path.endswith("big"))

    def change(info: tarfile.TarInfo, data: bytes) -> tuple[tarfile.TarInfo, bytes]:
        info.linkname = str(outside)
        return info, data

    tar_anew(folder, only("nowhere", change))  # type: ignore[arg-type]
    inner = zstd.decompress((folder / "archive.tar.zst").read_bytes()).rstrip(b"\0")
    inner += bytes(-len(inner) % 512)
    added = replace(file, path=f"{link.path}/planted")
    more = io.BytesIO()
    with tarfile.open(fileobj=more, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo(added.path)
        info.mode, info.uid, info.gid, info.size = added.mode, added.uid, added.gid, added.size
        info.pax_headers = {"mtime": f"{added.mtime // 10**9}.{added.mtime % 10**9:09d}"}
        archive.addfile(info, io.BytesIO((rig.source / "big").read_bytes()))
    write(folder / "archive.tar.zst", zstd.compress(inner + more.getvalue()))
    list_anew(folder, [*(replace(one, target=str(outside)) if one is link else one for one in found), added])
    totals = read_manifest((folder / MANIFEST).read_bytes()).totals
    recorded(rig, folder, totals=replace(totals, members=totals.members + 1))


def edited(rig: Rig, folder: Path) -> None:
    value = json.loads((folder / MANIFEST).read_text())
    value["holds"]["files"] = 3
    write(folder / MANIFEST, json.dumps(value).encode())


CORRUPTIONS: list[tuple[str, Plant, str]] = [
    (
        "a bit flipped in the archive",
        lambda rig, folder: flip(folder / "archive.tar.zst"),
        "archive.tar.zst was changed since",
    ),
    (
        "a bit flipped in the list",
        lambda rig, folder: flip(folder / "members.jsonl.zst"),
        "members.jsonl.zst was changed since",
    ),
    ("the archive cut off", lambda rig, folder: os.truncate(folder / "archive.tar.zst", 500), "archive.tar.zst was cut off: it has 500 of"),
    ("the archive empty", lambda rig, folder: write(folder / "archive.tar.zst", b""), "archive.tar.zst is empty"),
    ("the archive missing", lambda rig, folder: (folder / "archive.tar.zst").unlink(), "archive.tar.zst is missing"),
    (
        "something appended",
        lambda rig, folder: append(folder / "archive.tar.zst"),
        "bytes were added",
    ),
    ("the archive of another copy", swap_archives, "archive.tar.zst"),
    ("the manifest missing", lambda rig, folder: (folder / MANIFEST).unlink(), "its manifest is missing"),
    ("the signature missing", lambda rig, folder: (folder / SIGNATURE).unlink(), "its signature is missing"),
    ("the manifest edited", edited, "its manifest was changed after it was signed"),
    ("the manifest garbage", lambda rig, folder: write(folder / MANIFEST, b"{"), "its manifest is damaged"),
    ("signed by another key", foreign_key, "another key signed it"),
    ("an older copy in its place", replay, "put in place of this one"),
    (
        "written anew with the right key",
        lambda rig, folder: recorded(rig, folder, host="elsewhere"),
        "is not the one that was written when",
    ),
]
"""Against copies whose manifest was recorded when they were made."""

WRITTEN_WRONG: list[tuple[str, Plant, str]] = [
    (
        "a byte changed in a member",
        rewrites(only("big", lambda info, data: (info, b"X" + data[1:]))),
        "is not the one that was backed up",
    ),
    ("a member with another mode", rewrites(only("conf/key", other_mode)), "has the mode 0666 in the archive, and 0600 in its list"),
    ("the last member lost", loses_last, "is in the list and not in the archive"),
    ("a member too many", extra_member, 'the archive holds "/etc/cron.d/evil", which its list does not name'),
    ("a path that leads outside", leads_outside, "leads outside of the folder"),
    ("a member through a link", through_a_link, "would be restored through"),
    ("no member at all", rewrites(lambda info, data: None), "is in the list and not in the archive"),
    (
        "garbage where the archive was",
        lambda rig, folder: (write(folder / "archive.tar.zst", b"garbage" * 100), recorded(rig, folder))[0],
        "archive.tar.zst is damaged",
    ),
]
"""Against copies whose manifest is signed, recorded, and fits what lies there: what a mistake in the writing would leave."""


@pytest.mark.parametrize(("plant", "words"), [one[1:] for one in CORRUPTIONS], ids=[one[0] for one in CORRUPTIONS])
async def test_what_somebody_or_a_disk_changed_is_caught(tmp_path: Path, plant: Plant, words: str) -> None:
    clock = FakeClock(NOW)
    async with rig_on(tmp_path, clock) as rig:
        await rig.run()
        clock.advance(60)
        (rig.source / "conf" / "key").write_bytes(b"another" * 700)
        await rig.run()
        plant(rig, rig.newest())
        performed = await rig.prove()
        assert performed.outcome is Outcome.FAILED
        assert words in performed.sentence, performed.sentence
        assert "cannot be relied on" in performed.sentence
        newest = (await rig.copies())[-1]
        assert newest.fault
        assert newest.proven_at is None
        assert "backup.not-proven" in await rig.events()
        assert not list((rig.data / "scratch").glob("*")) if (rig.data / "scratch").exists() else True
        shown = await rig.room.showing.one("settings")
        assert shown.state == "failed"
        assert shown.newest is not None
        assert shown.newest.id != newest.id


@pytest.mark.parametrize(("plant", "words"), [one[1:] for one in WRITTEN_WRONG], ids=[one[0] for one in WRITTEN_WRONG])
async def test_what_was_written_wrong_is_caught_though_its_manifest_fits(tmp_path: Path, plant: Plant, words: str) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        folder = rig.newest()
        plant(rig, folder)
        fitting = (await rig.copies())[0]
        digest = found_in(folder, signer_in(rig.data).public).digest
        await rig.database.write(lambda connection: store.put(connection, replace(fitting, digest=digest)))
        performed = await rig.prove()
        assert performed.outcome is Outcome.FAILED
        assert words in performed.sentence, performed.sentence
        assert (await rig.copies())[0].fault
        assert not os.path.exists("/tmp/keepwell-was-here")  # noqa: ASYNC240 (a look at one name)
        assert not list((tmp_path / "outside").glob("*"))


async def test_a_question_that_the_copy_answers_wrongly_fails_the_proof(tmp_path: Path) -> None:
    async with rig_on(tmp_path) as rig:
        await rig.run()
        source = rig.source
        for question, words in (
            ("{files: '*.conf', expect: '>= 2'}", "1 file found by *.conf, expected >= 2"),
            (f"{{size: {source}/big, expect: '> 1GB'}}", "big has 2 MB, expected > 1GB"),
            (f"{{text: {source}/conf/shop.conf, holds: 'listen = 80'}}", "does not hold"),
            (f"{{text: {source}/conf/nowhere, holds: x}}", "is no file in the restored copy"),
        ):
            quoted = question.replace("{", "{{").replace("}", "}}")
            rig.configure(f"  settings:\n    files: {{{{paths: [{source}]}}}}\n    to: here\n    prove: {{{{questions: [{quoted}]}}}}\n")
            await rig.reload()
            performed = await rig.prove()
            assert performed.outcome is Outcome.FAILED
            assert words in performed.sentence, performed.sentence
