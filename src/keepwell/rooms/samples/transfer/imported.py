"""``keepwell samples import``: a file through the running server, or into the data directory."""

import asyncio
import os
import re
import stat
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO
from zoneinfo import ZoneInfo

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import KeepwellError, Problem, UsageError
from keepwell.kernel.quoting import quoted
from keepwell.ports.offer import Call, Output
from keepwell.rooms.samples.admission import FUTURE, LIMIT, OLD

from .csv_reading import CsvReader, Foreign
from .importing import Import, Reject, Report
from .lines import Chunk
from .model import Complaint, Sink
from .openmetrics_reading import OpenMetricsReader, dump_reader
from .reading import Gathered, Reader, shown
from .sinks import NoSink, ServerSink, StoreSink

if TYPE_CHECKING:
    from .commands import Open, Server

FORMATS = ("openmetrics", "csv", "dump")

_ADVICE = {
    OLD: " (samples.keep.raw says how long that is)",
    LIMIT: " (samples.series and samples.series_per_source)",
    FUTURE: " (OpenMetrics has seconds, not milliseconds)",
}

_LABEL = re.compile(r"((?!__)[a-zA-Z_][a-zA-Z0-9_]*)=(.*)", re.DOTALL)


async def run_import(call: Call, server: "Server", open_store: "Open") -> int:
    """The command. Raises KeepwellError where nothing of the file could be read."""
    reader = _reader(call.arguments)
    with ExitStack() as stack:
        file = stack.enter_context(_opened_file(call.arguments["file"]))
        reject = stack.enter_context(_rejects(call.arguments["rejects"]))
        async with _sink(call, server, open_store) as (sink, settle):
            told = Progress(call.output, file)
            work = Import(reader, sink, reject, told.bytes)
            try:
                report = await work.run(file, _name(call))
                found = await settle(told)
                report.known, report.stored = report.known + found, report.stored - found
            except (KeepwellError, asyncio.CancelledError):
                told.clear()
                _tell_interrupted(call, work.report)
                raise
            told.clear()
    return _tell(call, report)


Settle = Callable[["Progress"], Awaitable[int]]
"""Brings what was stored into files; gives how much of it was there before. Without that it stays in the log, for later."""


@asynccontextmanager
async def _sink(call: Call, server: "Server", open_store: "Open") -> "AsyncIterator[tuple[Sink, Settle]]":
    """Where the samples go."""
    data, is_dry = call.arguments["data"], call.arguments["dry_run"]
    if server.runs(data):
        through = ServerSink(lambda path, body: server.post(data, path, body))
        yield (NoSink(through.refuse), _nothing) if is_dry else (through, lambda told: through.settle())
        return
    async with open_store(data, call.arguments["operations"], "judge" if is_dry else "write") as opened:
        if is_dry:
            yield NoSink(opened.refuse_later), _nothing
        else:
            await opened.settle(lambda done, hours: None)
            yield StoreSink(opened.store, opened.refuse), lambda told: opened.settle(told.hours)


async def _nothing(told: "Progress") -> int:
    return 0


class Progress:
    """Says how far it is, on a terminal."""

    def __init__(self, output: Output, file: BinaryIO) -> None:
        self._output = output
        self._size = _size(file)
        self._shown = -1

    def bytes(self, done: int) -> None:
        """So many bytes were read."""
        percent = min(99, done * 100 // self._size) if self._size else -1
        if percent != self._shown:
            self._shown = percent
            self._output.progress(percent, 100)

    def hours(self, done: int, hours: int) -> None:
        """So many hours are in their files."""
        self._output.progress(done, hours)

    def clear(self) -> None:
        """Nothing is under way any more."""
        self._output.progress(100, 100)


def _size(file: BinaryIO) -> int:
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _name(call: Call) -> str:
    return "standard input" if call.arguments["file"] == "-" else str(call.arguments["file"])


@contextmanager
def _opened_file(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    try:
        file = open(name, "rb")  # noqa: SIM115 (closed below)
    except OSError as error:
        raise KeepwellError(
            Problem("samples.import", f"{name} cannot be read: {error.strerror}", "name a file, or - for standard input")
        ) from None
    with file:
        yield file


@contextmanager
def _rejects(name: str | None) -> Iterator[Reject]:
    if name is None:
        yield lambda complaint: None
        return
    try:
        with open(name, "wb") as file:

            def reject(complaint: Complaint) -> None:
                file.write(f"# line {complaint.line}: {complaint.reason}\n".encode() + complaint.text + b"\n")

            yield reject
    except OSError as error:
        raise KeepwellError(Problem("samples.import", f"{name} cannot be written: {error.strerror}", "name another --rejects")) from error


def _reader(arguments: Mapping[str, Any]) -> Reader:
    gathered = Gathered(dict(_label(text) for text in arguments["label"] or ()))
    foreign = _foreign(arguments)
    format = arguments["format"] or ("csv" if foreign else None)
    if format not in (None, *FORMATS):
        raise UsageError(f"{quoted(format)} is no format of an import", hint=f"write one of {', '.join(FORMATS)}")
    if foreign is not None and format != "csv":
        raise UsageError("columns are named, and the format is not csv", hint="leave --format out, or write --format csv")
    makers: Mapping[str, Callable[[], Reader]] = {
        "openmetrics": lambda: OpenMetricsReader(gathered),
        "csv": lambda: CsvReader(gathered, foreign),
        "dump": lambda: dump_reader(gathered),
    }
    return makers[format]() if format else _AsItLooks(gathered, makers)


class _AsItLooks:
    """Reads a file in the format in which its first lines are."""

    def __init__(self, gathered: Gathered, makers: Mapping[str, Callable[[], Reader]]) -> None:
        self._gathered, self._makers = gathered, makers
        self._reader: Reader | None = None

    @property
    def gathered(self) -> Gathered:
        """What was read."""
        return self._gathered

    def feed(self, chunk: Chunk) -> None:
        """Reads lines."""
        if self._reader is None:
            self._reader = self._makers[format_of(next((text for text in chunk.texts if text.strip()), b""))]()
        self._reader.feed(chunk)

    def end(self, is_whole: bool) -> None:
        """There are no more lines."""
        (self._reader or self._makers["openmetrics"]()).end(is_whole)


def format_of(text: bytes) -> str:
    """The format that a file has whose first line with something in it is this one."""
    if text.startswith(b'{__name__="'):
        return "dump"
    is_sample = text.startswith((b"#", b'{"')) or re.match(rb"[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{| [^ ,]+(?: |$))", text)
    return "csv" if b"," in text and not is_sample else "openmetrics"


def _label(text: str) -> tuple[str, str]:
    found = _LABEL.fullmatch(text)
    if found is None or not found[2]:
        raise UsageError(f"--label {quoted(text)} is no label", hint="write NAME=VALUE, such as --label site=north")
    return found[1], found[2]


def _foreign(arguments: Mapping[str, Any]) -> Foreign | None:
    needed = {name: arguments[name] for name in ("time_column", "value_column", "name")}
    others = [name for name in ("zone", "delimiter") if arguments[name]] + ["label_column"] * bool(arguments["label_column"])
    if not any(needed.values()) and not others:
        return None
    missing = [f"--{name.replace('_', '-')}" for name, value in needed.items() if not value]
    if missing:
        raise UsageError(f"foreign CSV needs {' and '.join(missing)} too", hint="--time-column TIME --value-column VALUE --name METRIC")
    delimiter = (arguments["delimiter"] or ",").replace("\\t", "\t")
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(f"--delimiter {quoted(delimiter)} is not one character", hint="write for example ';', or \\t for a tabulator")
    columns = arguments["time_column"], arguments["value_column"], arguments["name"], tuple(arguments["label_column"] or ())
    return Foreign(*columns, zone=_zone(arguments["zone"]), delimiter=delimiter)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        raise UsageError(f"--zone {quoted(name or '')} is no time zone", hint="write one such as UTC or Europe/Berlin") from None


def _tell_interrupted(call: Call, report: Report) -> None:
    if not call.arguments["dry_run"]:
        call.output.note(f"stored up to line {report.safe}: {report.stored} samples, which stay; run the same again to go on")


def _tell(call: Call, report: Report) -> int:
    output, is_dry = call.output, call.arguments["dry_run"]
    output.data(_as_json(report, is_dry))
    taken = "would be taken" if is_dry else "stored"
    already = f", {report.known} were there already" if report.known else ""
    output.say(f"{report.stored} samples {taken}{already}, of {report.series} series, from {report.lines} lines", style="ok")
    for reason, count in sorted(report.refused.items()):
        output.say(f"{count} not taken: {reason}{_ADVICE.get(reason, '')}", style="warn")
    if report.passed_over:
        output.say(f"{report.passed_over} lines passed over", style="warn")
    for complaint in sorted(report.complaints, key=lambda complaint: complaint.line):
        output.note(f"line {complaint.line}: {complaint.reason}: {shown(complaint.text)}")
    if sum(report.refused.values()) + report.passed_over > len(report.complaints):
        output.note("and more; --rejects FILE writes all of them")
    for fault in report.faults:
        output.note(f"{_name(call)}: {fault}")
    return Exit.OK if report.is_clean else Exit.NEGATIVE


def _as_json(report: Report, is_dry: bool) -> dict[str, Any]:
    return {
        "dry_run": is_dry,
        "lines": report.lines,
        "stored": report.stored,
        "known": report.known,
        "series": report.series,
        "first": report.first,
        "last": report.last,
        "refused": dict(report.refused),
        "passed_over": report.passed_over,
        "complaints": [{"line": one.line, "reason": one.reason, "text": shown(one.text)} for one in report.complaints],
        "faults": report.faults,
    }
