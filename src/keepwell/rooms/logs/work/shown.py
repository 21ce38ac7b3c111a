"""A policy and its files as plain values."""

import asyncio
import os
from typing import Any

from keepwell.rooms.logs.files.holders import writers_of
from keepwell.rooms.logs.files.listing import live_files, rotated_files
from keepwell.rooms.logs.model import Policy

SHOWN = 100
"""Files of a group that are shown one by one: of each, what was rotated is looked for."""


def policy_json(policy: Policy) -> dict[str, Any]:
    """What it says."""
    rotate = policy.rotate
    return {
        "name": policy.name,
        "paths": list(policy.paths),
        "rotate": None
        if rotate is None
        else {
            "every": rotate.every,
            "zone": rotate.zone,
            "size": rotate.size,
            "keep": rotate.keep,
            "pack_after": rotate.pack_after,
            "archive": rotate.archive,
            "reopen": f"SIG{rotate.signal}" if rotate.signal else rotate.then,
        },
        "clean": [{"under": one.under, "names": one.names, "older_than": one.older_than.total_seconds()} for one in policy.clean],
        "questions": [{"name": one.name, "ask": one.ask, "in": one.path} for one in policy.questions],
        "watches": [{"name": one.name, "patterns": list(one.patterns)} for one in policy.watches],
    }


async def files_of(policy: Policy) -> dict[str, Any]:
    """``files``: its files as they are now, at most ``SHOWN``; ``more``: how many there are beyond these."""
    return await asyncio.to_thread(_files, policy)


def _files(policy: Policy) -> dict[str, Any]:
    archive = policy.rotate.archive if policy.rotate is not None else ""
    found, told = live_files(policy.paths).files, []
    writers = writers_of({live.identity for live in found[:SHOWN]})
    for live in found[:SHOWN]:
        rotated = rotated_files(live.folder, live.name, archive)
        told.append(
            {
                "path": live.path,
                "bytes": live.size,
                "writers": [str(holder) for holder in writers[live.identity]],
                "rotated": [
                    {"name": os.path.basename(one.path), "path": one.path, "bytes": one.size, "written": one.written} for one in rotated
                ],
            }
        )
    return {"files": told, "more": max(0, len(found) - SHOWN)}
