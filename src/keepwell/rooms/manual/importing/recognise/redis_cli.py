"""redis-cli: what it asks of Redis or Valkey, and what it deletes there (redis.io/docs/latest/commands)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keepwell.rooms.manual.importing.client_words import (
    certain,
    expected_of,
    filled_secret,
    first_named,
    only,
    options,
    plain_words,
    run_of,
    spine,
    wanting,
)
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate, Found, Recogniser, View
from keepwell.rooms.manual.importing.purposes import purposes
from keepwell.rooms.manual.reading.model import Kind
from keepwell.rooms.manual.reading.shell_model import ShellCommand

_PROGRAMS = ("redis-cli", "valkey-cli")
_FLAGS = (
    "-h",
    "-p",
    "-u",
    "-n",
    "-s",
    "--user",
    "--pass",
    "-a",
    "--no-auth-warning",
    "--raw",
    "--scan",
    "--pattern",
    "--tls",
    "--cacert",
    "--rdb",
    "-x",
    "-r",
    "-i",
)
_LOOKS: dict[str, frozenset[str]] = {
    **dict.fromkeys(("ping", "info", "dbsize", "role", "lastsave", "time"), frozenset()),
    "config": options("get"),
    "client": options("list info getname id"),
    "cluster": options("info nodes slots shards"),
    "memory": options("usage stats doctor"),
    "slowlog": options("get len"),
    "latency": options("latest history doctor"),
    "sentinel": options("masters master slaves replicas ckquorum get-master-addr-by-name"),
}
"""Commands that only look, with what may stand behind them; behind one with nothing, anything."""
_SHOWS = frozenset(
    (
        *(
            "ttl",
            "pttl",
            "get",
            "mget",
            "exists",
            "type",
            "keys",
            "scan",
            "hget",
            "hgetall",
            "hlen",
            "llen",
            "lrange",
            "scard",
            "smembers",
            "zcard",
        ),
        *("zrange", "strlen", "object", "xlen", "xinfo", "xrange", "acl", "command", "randomkey", "xpending"),
    )
)
_DELETES = {"del": "delete", "unlink": "delete", "flushall": "flush", "flushdb": "flush", "expire": "expire", "persist": "persist"}
_WRITES = {
    "save": "save",
    "bgsave": "save",
    "bgrewriteaof": "rewrite",
    "set": "set",
    "shutdown": "shutdown",
    "replicaof": "replicate",
    "slaveof": "replicate",
    "hset": "set",
    "lpush": "push",
    "rpush": "push",
    "publish": "publish",
    "failover": "failover",
    "debug": "debug",
    "rename": "rename",
}
_ADDRESSED = ("-h", "-p", "-n", "-u", "--tls", "-a", "--pass", "--user", "--no-auth-warning", "--raw")
_NEEDED = ("address", "password", "user")
_PARTS: Mapping[str, Mapping[str, Any]] = {
    "": {},
    "server": {},
    "memory": {"memory": {}},
    "clients": {"clients": {}},
    "replication": {"replication": {}},
    "persistence": {"persistence": {}},
}
"""What INFO is asked for, and what the kind ``redis`` judges then, with its own limits."""
_NEVER_ENDS = ("--stat", "--latency", "--latency-history", "--bigkeys", "--memkeys", "--hotkeys", "--monitor")


def _read(view: View) -> Found | None:
    command = first_named(view, *_PROGRAMS)
    if command is None:
        return None
    verb = command.subcommand.lower()
    understood = (
        only(command, _FLAGS)
        and plain_words(view)
        and all(part.name in (*_PROGRAMS, "read", "wc", "head", "xargs", "echo", "grep") for part in spine(view))
    )
    deleting = any(part.name == "xargs" and re.search(r"\b(?:del|unlink)\b", part.text, re.IGNORECASE) for part in spine(view))
    if command.has_flag(*_NEVER_ENDS) or verb == "monitor":
        return Found(Fate.STEP, ("diagnostics", "check.redis"))
    if verb in _DELETES or deleting:
        return Found(Fate.STEP, ("runbook", "cleanup"), f"redis.{_DELETES.get(verb, 'delete')}" if understood else "")
    if verb in _WRITES:
        kind = (
            "backup.database"
            if verb in ("save", "bgsave")
            else "failover"
            if "replic" in _WRITES[verb] or verb == "failover"
            else "runbook"
        )
        return Found(Fate.BACKUP if kind.startswith("backup") else Fate.STEP, (kind,), f"redis.{_WRITES[verb]}" if understood else "")
    if command.has_flag("--scan") or verb in _SHOWS:
        return Found(Fate.STEP, _capabilities(view, "diagnostics"), f"redis.{verb or 'scan'}" if understood else "")
    below = command.operands[1].filled.lower() if len(command.operands) > 1 else ""
    if verb in _LOOKS and understood and (not _LOOKS[verb] or below in _LOOKS[verb]):
        return _check(view, command, verb)
    return Found(Fate.STEP, ("runbook", "check.redis"))


def _capabilities(view: View, otherwise: str) -> tuple[str, ...]:
    said = [word for word in purposes(view) if word in ("cleanup", "diagnostics", "capacity", "keys.rotate", "report")]
    return tuple(dict.fromkeys((*said[:1], otherwise, "check.redis")))[:2]


def _check(view: View, command: ShellCommand, verb: str) -> Found:
    troubled = verb != "ping" and "diagnostics" in purposes(view)
    found = Found(Fate.CHECK, ("diagnostics", "check.redis") if troubled else ("check.redis", "diagnostics"), f"redis.{verb}")
    missing = wanting(view)
    if missing:
        return replace(found, disposition=Disposition.MISSING, missing=missing)
    typed = _typed(view, command, verb)
    if typed is not None:
        return replace(found, drafts=(typed,))
    # A password among the words would stand in the configuration for everyone to read.
    settings = None if command.has_flag("-a", "--pass") else run_of(view, command)
    # redis-cli ends with 0 even where Redis refuses the command; its answer tells.
    pings = verb == "ping" and len(command.operands) == 1 and all(part.name in (*_PROGRAMS, "grep") for part in spine(view))
    expect = {"expect": {"output_contains": "PONG"}} if pings else expected_of(view, command)
    if settings is None or expect is None:
        return replace(found, fate=Fate.STEP)
    return replace(found, drafts=(CheckDraft("command", {**settings, **expect}, name=f"redis-{verb}"),))


def _typed(view: View, command: ShellCommand, verb: str) -> CheckDraft | None:
    """PING and INFO as a check of kind ``redis``. Inside a container and with a socket or certificates of its own the program is run."""
    part = command.operands[1].filled.lower() if len(command.operands) > 1 else ""
    quiet = all(part.name in (*_PROGRAMS, "grep") for part in spine(view))
    known = (verb == "ping" and not part and quiet) or (verb == "info" and part in _PARTS and len(spine(view)) == 1)
    if not known or command.wrapper_words or command.assignments or not only(command, _ADDRESSED):
        return None
    address, password = _address(view, command), command.option("-a", "--pass")
    settings: dict[str, Any] = {"address": address, **({} if verb == "ping" else _PARTS[part])}
    user = command.option("--user")
    if user is not None:
        settings["user"] = certain(view, user) or ""
    if password is not None:
        settings["password"] = filled_secret(view, password)
    return CheckDraft("redis", settings, name=f"redis-{part or verb}") if all(settings[key] for key in settings if key in _NEEDED) else None


def _address(view: View, command: ShellCommand) -> str:
    """``redis://HOST:PORT/DATABASE``; empty where a part of it is not certain, or a password stands in it."""
    url = command.option("-u")
    if url is not None:
        text = certain(view, url)
        return filled_secret(view, url) if text is None else "" if "@" in text else text
    words = [command.option(flag) for flag in ("-h", "-p", "-n")]
    host, port, database = (
        otherwise if word is None else certain(view, word) for word, otherwise in zip(words, ("127.0.0.1", "6379", ""), strict=True)
    )
    if not host or not port or database is None:
        return ""
    scheme = "rediss" if command.has_flag("--tls") else "redis"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}" + (f"/{database}" if database else "")


RECOGNISER = Recogniser(
    name="redis_cli",
    kinds=(Kind.COMMAND, Kind.ASSIGNMENT),
    programs=_PROGRAMS,
    read=_read,
    example="""# Shop

```bash
redis-cli -h cache1 ping
redis-cli -h cache1 del session:old
```
""",
)
