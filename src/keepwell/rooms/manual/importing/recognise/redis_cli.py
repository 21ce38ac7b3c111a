"""redis-cli: what it asks of Redis or Valkey, and what it deletes there (redis.io/docs/latest/commands)."""

import re
from dataclasses import replace

from keepwell.rooms.manual.importing.client_words import expected_of, first_named, only, options, plain_words, run_of, spine, wanting
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
    # A password among the words would stand in the configuration for everyone to read.
    settings = None if command.has_flag("-a", "--pass") else run_of(view, command)
    # redis-cli ends with 0 even where Redis refuses the command; its answer tells.
    pings = verb == "ping" and len(command.operands) == 1 and all(part.name in (*_PROGRAMS, "grep") for part in spine(view))
    expect = {"expect": {"output_contains": "PONG"}} if pings else expected_of(view, command)
    if settings is None or expect is None:
        return replace(found, fate=Fate.STEP)
    return replace(found, drafts=(CheckDraft("command", {**settings, **expect}, name=f"redis-{verb}"),))


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
