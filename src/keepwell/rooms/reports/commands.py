"""``keepwell report``: asked of the running server. Imports nothing costly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Subcommand
from keepwell.ports.server import DATA, AskServer, Download, TellServer

BASE = "/api/v1/reports"
FORMS: Mapping[str, str] = {".html": "html", ".htm": "html", ".json": "json", ".txt": "text", ".md": "text", ".log": "text"}


def commands(ask: AskServer, tell: TellServer, download: Download) -> tuple[Subcommand, ...]:
    """The command."""

    async def report(call: Call) -> int:
        arguments = call.arguments
        if arguments["name"] is None:
            _refuse_without_name(arguments)
            return _list(call, await ask(arguments["data"], BASE))
        if arguments["to"]:
            body = {"period": arguments["period"], "to": arguments["to"]}
            answer = await tell(arguments["data"], f"{BASE}/{quote(arguments['name'], safe='')}", body)
            written = {}
            if arguments["output"] and answer["outcome"] == "done":
                written = await _written(call, download, f"{BASE}/made/{answer['record'].rpartition('/')[2]}")
            return _made(call, {**answer, **written})
        written = await _written(call, download, f"{BASE}/{quote(arguments['name'], safe='')}", arguments["period"])
        if written:
            call.output.data(written)
        return Exit.OK

    return (
        Subcommand(
            "report",
            "how the service did: key figures, uptime, alerts, tasks, backups, incidents",
            report,
            (
                Argument(
                    ("name",),
                    "weekly, capacity, or a report of the section reports; without it they are listed",
                    {"nargs": "?", "metavar": "NAME"},
                ),
                Argument(
                    ("--period",),
                    "over which time: day, week, month, last-week, last-month, or a duration such as 14d",
                    {"metavar": "PERIOD"},
                ),
                Argument(("--output", "-o"), "the file to write; its ending says the form: .html, .json or .txt", {"metavar": "FILE"}),
                Argument(
                    ("--format",),
                    "the form, where the file's ending does not say it (default: text)",
                    {"choices": ("html", "json", "text")},
                ),
                Argument(
                    ("--to",),
                    "make it, keep it, and send it to this receiver; several times for several",
                    {"metavar": "RECEIVER", "action": "append"},
                ),
                DATA,
            ),
            description="Asks the running server. What nobody measured is in the report as not measured, with the reason. Exit code 0; "
            "2 where no server runs or there is no such report.",
            example="keepwell report weekly --period week --output week.html",
        ),
    )


def _refuse_without_name(arguments: Mapping[str, Any]) -> None:
    """Raises UsageError where something is wanted of a report, and nobody says of which."""
    written = next((name for name in ("output", "to", "period", "format") if arguments[name]), "")
    if written:
        raise UsageError(f"--{written} is of one report, and none is named", hint="write keepwell report weekly, or another's name")


async def _written(call: Call, download: Download, path: str, period: str | None = None) -> dict[str, Any]:
    """Writes a report to the file that was named, and gives what is to be said of that; without a file it is printed."""
    arguments, output = call.arguments, call.output
    file = Path(arguments["output"]) if arguments["output"] else None
    form = arguments["format"] or _form_of(file) or ("json" if output.wants_json and file is None else "text")
    asked = {"format": form, **({"period": period} if period else {})}
    content = b"".join([piece async for piece in download(arguments["data"], f"{path}?{urlencode(asked)}")])
    if file is None:
        output.raw(content.decode())
        return {}
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", hint="name a file in a folder that is there") from None
    output.say(f"{file}: {len(content):,} bytes", style="ok")
    return {"file": str(file), "bytes": len(content), "format": form}


def _form_of(file: Path | None) -> str | None:
    return FORMS.get(file.suffix.lower()) if file is not None else None


def _made(call: Call, answer: Mapping[str, Any]) -> int:
    call.output.data(answer)
    call.output.say(f"{answer['record']}: {answer['sentence']}", style="ok" if answer["outcome"] == "done" else "fail")
    return Exit.OK if answer["outcome"] == "done" else Exit.NEGATIVE


def _list(call: Call, answer: Mapping[str, Any]) -> int:
    call.output.data(answer)
    rows = [(one["name"], one["period"], one["every"] or "when asked for", ", ".join(one["to"]) or "nobody") for one in answer["known"]]
    call.output.table(("report", "over", "made", "sent to"), rows)
    if answer["reports"]:
        call.output.say()
        kept = [(str(one["number"]), one["name"], one["end"][:16].replace("T", " "), one["headline"]) for one in answer["reports"][:20]]
        call.output.table(("number", "report", "until", "says"), kept)
    return Exit.OK
