"""Answers of the server about logs, on the terminal."""

from collections.abc import Mapping
from typing import Any

from keepwell.kernel.exits import Exit
from keepwell.kernel.sizes import format_size
from keepwell.ports.offer import Call


def listing(call: Call, answer: Mapping[str, Any]) -> int:
    """All groups."""
    call.output.data(answer)
    rows = []
    for log in answer["logs"]:
        rotated = log["rotated"]
        last = f"{rotated['outcome']} {rotated['ended_at'] or ''}".strip() if rotated else "-"
        counted = ", ".join(f"{watch} {count}" for watch, count in log["counted"].items())
        rows.append((log["name"], " ".join(log["paths"]), (log["rotate"] or {}).get("every") or "-", last, counted or "-"))
    call.output.table(("logs", "files", "rotated", "last", "counted"), rows)
    for problem in answer["problems"]:
        call.output.say(problem, style="warn")
    return Exit.OK


def show(call: Call, answer: Mapping[str, Any]) -> int:
    """One group."""
    call.output.data(answer)
    rows = [
        (file["path"], format_size(file["bytes"]), str(len(file["rotated"])), ", ".join(file["writers"]) or "-") for file in answer["files"]
    ]
    call.output.table(("file", "size", "rotated", "written to by"), rows)
    if answer["more"]:
        call.output.say(f"and {answer['more']} more files", style="dim")
    for kind, done in answer["work"].items():
        if done:
            call.output.say(f"{kind}: {done[0]['sentence'] or done[0]['outcome']} ({done[0]['ended_at'] or 'under way'}, {done[0]['by']})")
    for one in answer["answers"]:
        _answer(call, one)
    return Exit.OK


def done(call: Call, answer: Mapping[str, Any]) -> int:
    """What came of work."""
    call.output.data(answer)
    good = answer["outcome"] in ("done", "dry")
    for detail in answer["details"]:
        if "figures" in detail:
            _answer(call, detail)
        else:
            words = " ".join(part for part in (detail.get("did", ""), detail["path"], detail.get("became", "")) if part)
            call.output.say(f"{words}{': ' + detail['why'] if detail.get('why') else ''}", style="dim")
    if not any("figures" in detail for detail in answer["details"]):
        call.output.say(answer["sentence"], style="ok" if good else "fail")
    if answer["outcome"] == "waiting":
        call.output.say("  keepwell runs approvals", style="dim")
    return Exit.OK if good else Exit.NEGATIVE


def _answer(call: Call, answer: Mapping[str, Any]) -> None:
    call.output.say(f"{answer['name']}: {answer['sentence']}", style="fail" if answer["fault"] else "strong")
    if answer["fault"] and answer["fault"] != answer["sentence"]:
        call.output.say(f"  {answer['fault']}", style="fail")
    for row in answer["rows"]:
        call.output.say(f"  {row[1]:>8}  {row[0]}" if isinstance(row, list) else f"  {row}")
    rejected = ", ".join(f"{count} {why}" for why, count in answer["rejected"].items())
    call.output.say(
        f"  {answer['lines']} lines read in {len(answer['files'])} files{'; not used: ' + rejected if rejected else ''}", style="dim"
    )
