"""What ``keepwell backups`` prints."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from keepwell.kernel.exits import Exit
from keepwell.ports.offer import Call
from keepwell.rooms.backups.words import size as size_words

from .views import measured

_STYLES = {"proven": "ok", "made": "warn", "none": "dim", "running": "strong", "failed": "fail", "waits": "unknown"}


def listing(call: Call, answer: Mapping[str, Any]) -> int:
    """Every backup; 1 where one failed."""
    backups = answer["backups"]
    call.output.data(answer)
    if not backups:
        call.output.say("there are no backups", style="dim")
        return Exit.OK
    rows = [
        (one["name"], one["state"], _at(one["newest"] and one["newest"]["started"]), *_recovery(one), one["sentence"]) for one in backups
    ]
    columns = ("backup", "state", "newest copy", "recovery time", "recovery point", "what there is to say")
    call.output.table(columns, rows, styles=[_STYLES[one["state"]] for one in backups])
    return Exit.NEGATIVE if any(one["state"] == "failed" for one in backups) else Exit.OK


def show(call: Call, one: Mapping[str, Any]) -> int:
    """One backup; 1 where it failed."""
    call.output.data(one)
    call.output.say(f"{one['name']}  {one['state']}: {one['sentence']}", style=_STYLES[one["state"]])
    time, point = _recovery(one)
    made, proved = one["every"] or "only when asked", one["proved_every"] or "only when asked"
    for name, value in (("made", made), ("to", one["to"]), ("proved", proved), ("recovery time", time), ("recovery point", point)):
        call.output.say(f"  {name}: {value}")
    for what, why in one["waits"].items():
        call.output.say(f"  waits: {what}: {why}", style="warn")
    copies = [
        (copy["id"], f"{copy['files']:,}", size_words(copy["bytes"]), size_words(copy["archive_bytes"]), _state(copy), copy["kept"])
        for copy in one["copies_there"]
    ]
    if copies:
        call.output.table(("copy", "files", "holds", "archive", "state", "kept because"), copies)
    runs = [(_at(run["started"]), run["kind"], run["state"], run["by"], run["sentence"]) for run in one["runs"]]
    if runs:
        call.output.table(("at", "what", "state", "by", "what there is to say"), runs)
    return Exit.NEGATIVE if one["state"] == "failed" else Exit.OK


def _state(copy: Mapping[str, Any]) -> str:
    return copy["fault"] or copy["doubt"] or (f"proven {_at(copy['proven_at'])}" if copy["proven_at"] else "not proven")


def _recovery(one: Mapping[str, Any]) -> tuple[str, str]:
    return (
        _measured(one["recovery_seconds"], one["rto_seconds"]),
        _measured(one["recovery_point_seconds"], one["rpo_seconds"]),
    )


def _measured(seconds: float | None, promised: float | None) -> str:
    return measured(seconds, None if promised is None else timedelta(seconds=promised))


def _at(text: str | None) -> str:
    return f"{text[:16].replace('T', ' ')}Z" if text else "-"
