"""Where things lie in a repository: ``REPOSITORY/BACKUP/ID/`` with the files of one copy, and how a manifest is written.

``.unfinished-ID`` is a copy that is being made, or whose making was cut off: it becomes ID by one rename once its manifest is in it.
``.going-ID`` is one that is being deleted. Neither is ever a backup.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from keepwell.rooms.backups.model import Manifest, Member, MemberKind, Part, Totals

FORMAT = 1
MANIFEST, SIGNATURE, README, PUBLIC_KEY = "manifest.json", "manifest.json.sig", "README.txt", "signer.pem"
UNFINISHED, GOING, LOCK = ".unfinished-", ".going-", ".lock"


def new_id(started: datetime, occasion: str) -> str:
    """The name of a new copy's folder: the instant in UTC, and of what occasion it is."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%S.%f}"[:-3] + f"Z-{sha256(occasion.encode('utf-8', 'replace')).hexdigest()[:8]}"


def archive_name(encrypted: bool) -> str:
    """The name of the archive's file."""
    return "archive.tar.zst" + (".age" if encrypted else "")


def members_name(encrypted: bool) -> str:
    """The name of the file that lists the archive's members, one JSON object a line."""
    return "members.jsonl.zst" + (".age" if encrypted else "")


def manifest_bytes(manifest: Manifest) -> bytes:
    """The manifest as it is written and signed: JSON for people, with sorted keys."""
    totals = manifest.totals
    value = {
        "format": FORMAT,
        "id": manifest.id,
        "backup": manifest.backup,
        "service": manifest.service,
        "host": manifest.host,
        "user": manifest.user,
        "occasion": manifest.occasion,
        "started": _text(manifest.started),
        "finished": _text(manifest.finished),
        "source": manifest.source,
        "archive": _part(manifest.archive),
        "members": _part(manifest.members),
        "holds": {"members": totals.members, "files": totals.files, "bytes": totals.bytes, "changed_while_read": totals.changed},
        "left_out": list(totals.left_out),
        "left_out_unsaid": totals.unsaid,
        "encrypted_for": list(manifest.recipients),
        "signed_by": manifest.key,
    }
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode("ascii")


def read_manifest(data: bytes) -> Manifest:
    """The manifest from its bytes. Raises ValueError, KeyError or TypeError where they are none."""
    value = json.loads(data)
    if value["format"] != FORMAT:
        raise ValueError(f"its format is {value['format']}")
    holds = value["holds"]
    return Manifest(
        id=str(value["id"]),
        backup=str(value["backup"]),
        service=str(value["service"]),
        host=str(value["host"]),
        user=str(value["user"]),
        occasion=str(value["occasion"]),
        started=_instant(value["started"]),
        finished=_instant(value["finished"]),
        source=dict(value["source"]),
        archive=_read_part(value["archive"]),
        members=_read_part(value["members"]),
        totals=Totals(
            int(holds["members"]),
            int(holds["files"]),
            int(holds["bytes"]),
            int(holds["changed_while_read"]),
            tuple(value["left_out"]),
            int(value.get("left_out_unsaid", 0)),
        ),
        recipients=tuple(value["encrypted_for"]),
        key=str(value["signed_by"]),
    )


def member_line(member: Member) -> bytes:
    """A member as one line of the list."""
    value: dict[str, Any] = {
        "path": member.path,
        "kind": member.kind.value,
        "mode": f"{member.mode:04o}",
        "uid": member.uid,
        "gid": member.gid,
        "user": member.user,
        "group": member.group,
        "mtime": member.mtime,
    }
    if member.kind is MemberKind.FILE:
        value |= {"size": member.size, "sha256": member.sha256}
    if member.target:
        value["target"] = member.target
    value |= {name: True for name in ("changed", "superseded") if getattr(member, name)}
    return json.dumps(value).encode("ascii") + b"\n"


def read_member(line: bytes) -> Member:
    """A member from its line. Raises ValueError, KeyError or TypeError where it is none."""
    value = json.loads(line)
    return Member(
        path=value["path"],
        kind=MemberKind(value["kind"]),
        mode=int(value["mode"], 8),
        uid=value["uid"],
        gid=value["gid"],
        user=value["user"],
        group=value["group"],
        mtime=value["mtime"],
        size=value.get("size", 0),
        sha256=value.get("sha256", ""),
        target=value.get("target", ""),
        changed=value.get("changed", False),
        superseded=value.get("superseded", False),
    )


def _part(part: Part) -> dict[str, Any]:
    return {"name": part.name, "size": part.size, "sha256": part.sha256}


def _read_part(value: Any) -> Part:
    name = str(value["name"])
    if "/" in name or name.startswith("."):
        raise ValueError(f"{name!r} is no name of a part")
    return Part(name, int(value["size"]), str(value["sha256"]))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text} has no zone")
    return at
