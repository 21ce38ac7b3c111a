"""Where commands speak: text and tables for people, JSON for programs, colours only on a terminal."""

import io
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TextIO

from keepwell.kernel.problems import KeepwellError

_STYLES = {"ok": "32", "warn": "33", "fail": "31;1", "unknown": "35", "dim": "2", "strong": "1", "": ""}


def colours_wanted(stream: TextIO, environment: dict[str, str]) -> bool:
    """Colours only on a terminal that has them, and never with NO_COLOR (https://no-color.org)."""
    return stream.isatty() and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"


def harmless(text: str) -> str:
    """The text with its control characters made visible, so that what a target or a document says cannot steer the terminal."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def mend_streams() -> None:
    """Makes the standard streams usable: a closed one (``>&-``) leads nowhere, and what an encoding cannot say is written as escapes."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper) and name != "stdin":
            stream.reconfigure(errors="backslashreplace")


class OutputLost(KeepwellError):
    """Standard output takes nothing more: a full disk, for example."""

    code = "output"


class TerminalOutput:
    """``keepwell.ports.offer.Output`` on the process' own streams."""

    def __init__(self, *, wants_json: bool, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._wants_json = wants_json
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._colours = colours_wanted(self._out, dict(os.environ))

    @property
    def wants_json(self) -> bool:
        """Whether ``--json`` was given."""
        return self._wants_json

    @property
    def colours(self) -> bool:
        """Whether text to standard output may carry colours."""
        return self._colours

    def say(self, text: str = "", *, style: str = "") -> None:
        """A line for people on standard output; silent under ``--json``."""
        if not self._wants_json:
            self._write(f"{self._styled(harmless(text), style)}\n")

    def raw(self, text: str) -> None:
        """A text as it is (a schema, a page, a file): printed whatever the format, without a newline of its own."""
        self._write(text)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, styles: Sequence[str] = ()) -> None:
        """A table for people: columns as wide as their contents, the last one free; silent under ``--json``."""
        if self._wants_json:
            return
        cells = [[harmless(cell).replace("\n", " ") for cell in row] for row in rows]
        widths = [max(len(line[index]) for line in [list(columns), *cells]) for index in range(len(columns))]
        self.say("  ".join(column.upper().ljust(width) for column, width in zip(columns, widths, strict=True)).rstrip(), style="dim")
        for number, row in enumerate(cells):
            line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            self.say(line, style=styles[number] if styles else "")

    def data(self, value: Any) -> None:
        """The answer as JSON; printed only under ``--json``."""
        if self._wants_json:
            self._write(json.dumps(value, indent=2, ensure_ascii=False, default=_plain) + "\n")

    def note(self, text: str) -> None:
        """A line on standard error."""
        print(harmless(text), file=self._err, flush=True)

    def progress(self, done: int, total: int) -> None:
        """A counter on the terminal's error stream that overwrites itself and vanishes at the end."""
        if self._err.isatty() and total > 1:
            text = f"{done}/{total} " if done < total else ""
            print(f"\r\x1b[K{text}", end="", file=self._err, flush=True)

    def ask(self, question: str) -> bool:
        """A yes-or-no question on the terminal; False where nobody can answer."""
        if not sys.stdin.isatty():
            return False
        print(self._styled(harmless(question), "strong") + " [y/N] ", end="", file=self._err, flush=True)
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    def _write(self, text: str) -> None:
        try:
            self._out.write(text)
            self._out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputLost(f"standard output cannot be written: {error.strerror}") from error

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if self._colours and _STYLES[style] else text


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    raise TypeError(f"{type(value).__name__} has no JSON form")
