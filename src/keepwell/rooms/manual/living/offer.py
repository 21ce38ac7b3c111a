"""The command ``keepwell manual export``: asked of the running server. Imports nothing costly."""

from pathlib import Path

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Group, Subcommand
from keepwell.ports.server import DATA, Download

_PATH = "/api/v1/manual?format={}"


def commands(download: Download) -> Group:
    """The group ``manual``."""

    async def export(call: Call) -> int:
        file, output = Path(call.arguments["output"]), call.output
        form = "json" if file.suffix.lower() == ".json" else "html"
        content = b"".join([piece async for piece in download(call.arguments["data"], _PATH.format(form))])
        _write(file, content)
        output.say(f"{file}: {len(content):,} bytes", style="ok")
        output.data({"file": str(file), "bytes": len(content)})
        return Exit.OK

    return Group(
        "manual",
        "the manual with what came of each item",
        (
            Subcommand(
                "export",
                "write the living manual as one file that needs nothing else",
                export,
                (
                    Argument(("--output", "-o"), "the file to write: .html, or .json for its items", {"metavar": "FILE", "required": True}),
                    DATA,
                ),
                description="The author's text as it is, and in its margin what became of each item, when it last ran, and how that ended. "
                "Asks the running server. Exit code 0; 2 where no server runs or no manual was imported.",
                example="keepwell manual export -o manual.html",
            ),
        ),
    )


def _write(file: Path, content: bytes) -> None:
    try:
        file.write_bytes(content)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}", hint="name a file in a folder that is there") from None
