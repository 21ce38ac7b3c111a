"""What a client of PostgreSQL asks, as a check of kind ``postgres``: only where a secret holds the whole address. Pure.

The kind takes the address of a database as a secret. A client that is given host, user and database apart needs none, so its command stays.
"""

import re
from collections.abc import Mapping
from typing import Any

from keepwell.rooms.manual.reading.shell_model import ShellCommand

from .client_words import filled_secret, spine
from .model import CheckDraft, View

_APART = ("-h", "--host", "-p", "--port", "-U", "--username")
_ASKED: tuple[tuple[re.Pattern[str], str, Mapping[str, Any]], ...] = (
    (re.compile(r"select (?:1|version\(\)|now\(\))"), "database-ready", {}),
    (re.compile(r"select count ?\((?:\*|1|pid)\)(?: as \w+)? from pg_stat_activity"), "database-connections", {"connections": {}}),
    (re.compile(r"select (?:pg_size_pretty ?\( ?)?pg_database_size ?\([^()]*(?:\(\))?\) ?\)?"), "database-size", {"size": {}}),
)
"""Statements that the kind asks itself, what such a check is called, and its options."""


def ready(view: View, command: ShellCommand) -> CheckDraft | None:
    """``pg_isready -d "$DATABASE_URL"``: that the server takes connections."""
    return _draft(view, command, "database-ready", {})


def asked(view: View, command: ShellCommand, code: str) -> CheckDraft | None:
    """``psql "$DATABASE_URL" -c "SELECT ..."``, where the kind asks the same; ``code`` is the statement."""
    plain = " ".join(code.rstrip("; \n").lower().split())
    found = next(((name, settings) for pattern, name, settings in _ASKED if pattern.fullmatch(plain)), None)
    return _draft(view, command, *found) if found is not None else None


def _draft(view: View, command: ShellCommand, name: str, settings: Mapping[str, Any]) -> CheckDraft | None:
    words = [word for word in (command.option("-d", "--dbname"), *command.operands[:1]) if word is not None]
    apart = command.wrapper_words or command.assignments or command.has_flag(*_APART) or len(spine(view)) > 1
    address = filled_secret(view, words[0]) if len(words) == 1 and not apart else ""
    return CheckDraft("postgres", {"address": address, **settings}, name=name) if address else None
