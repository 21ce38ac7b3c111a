"""Keepwell's own log: one line an event on standard error, as text or JSON.

A record's fields are what ``extra`` gives: ``log.info("answered", extra={"facts": {"check": "api"}})`` prints ``... answered check=api``.
(Inside ``facts`` any name will do; directly in ``extra`` those of LogRecord's own attributes are refused by ``logging``.)
"""

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from keepwell.kernel.redaction import redact_patterns

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")

_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_PLAIN = re.compile(r"[^\s\"=\\]+")


def configure_logging(format: str, level: str, redact: Callable[[str], str] = redact_patterns) -> None:
    """Sends every logger's records from ``level`` (of ``LEVELS``) on to standard error in a format of ``FORMATS``; a second call replaces
    the first. Raises ValueError for another level or format.

    ``redact`` is applied to the message, each field and the traceback before anything is escaped.
    """
    if format not in FORMATS or level not in LEVELS:
        raise ValueError(f"a log is written as {' or '.join(FORMATS)}, from level {', '.join(LEVELS)} on")
    handler = _Handler(sys.stderr)
    handler.setFormatter(JsonLines(redact) if format == "json" else TextLines(redact))
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level.upper())


class _Handler(logging.StreamHandler[Any]):
    """Ours, to be recognised when the log is set up again."""


class _Lines(logging.Formatter):
    def __init__(self, redact: Callable[[str], str]) -> None:
        super().__init__()
        self._redact = redact

    def _fields(self, record: logging.LogRecord) -> dict[str, Any]:
        given = {name: value for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES}
        facts = given.pop("facts", {})
        given.update(facts if isinstance(facts, Mapping) else {"facts": facts})
        fields = {str(name): self._value(value) for name, value in given.items()}
        if record.exc_info and record.exc_info[0] is not None:
            fields["traceback"] = self._redact(self.formatException(record.exc_info))
        return fields

    def _value(self, value: Any) -> Any:
        return value if value is None or isinstance(value, bool | int | float) else self._redact(str(value))

    def _message(self, record: logging.LogRecord) -> str:
        return self._redact(record.getMessage())


class TextLines(_Lines):
    """``2026-11-22T10:00:00Z info checks: message key=value``; what is not printable is escaped, so that no value can forge a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        head = f"{_time(record)} {record.levelname.lower()} {_name(record)}: {printable(self._message(record))}"
        return " ".join([head, *(f"{printable(name)}={_text(value)}" for name, value in self._fields(record).items())])


class JsonLines(_Lines):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message`` and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        own = {"time": _time(record), "level": record.levelname.lower(), "logger": _name(record), "message": self._message(record)}
        return json.dumps({**self._fields(record), **own}, ensure_ascii=True)


def printable(text: str) -> str:
    """The text with control characters, line breaks and everything else unprintable written as escapes."""
    return text if text.isprintable() else "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _text(value: Any) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) and text.isprintable() else printable(json.dumps(text, ensure_ascii=False))


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _name(record: logging.LogRecord) -> str:
    return record.name.removeprefix("keepwell.")
