"""Logs as the manual speaks of them: which files are logs, what they are called, and what is looked for in them. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from keepwell.rooms.manual.reading.names import last_part

from .model import EntryDraft
from .names import slug

_LOG = re.compile(
    r"(?:^|[/_.-])logs?(?:$|[/_.*?-])|\.(?:log|out|err|journal)(?:$|[.*?])|/(?:syslog|messages|secure|btmp|wtmp|dmesg|auth\.log)|catalina\.",
    re.IGNORECASE,
)
_FOLDERS = frozenset(
    (
        "var",
        "log",
        "logs",
        "opt",
        "srv",
        "home",
        "usr",
        "local",
        "tmp",
        "mnt",
        "data",
        "app",
        "apps",
        "current",
        "shared",
        "..",
        ".",
        "~",
        "",
    )
)
_ROTATED = re.compile(r"(?:[-.]\d+)?(?:\.(?:log|out|err|gz|txt|json|1))+$|\.log[.*].*$|\*.*$")
_AUTH_LOG = re.compile(r"/(?:auth\.log|secure|btmp|wtmp|faillog)\b")
_AUTH = re.compile(
    r"failed password|invalid user|authenticat|\bfailed.?logins?|\blogin\b|\blogon\b|password|401|403|\bsshd\b|sudo:"
    r"|\bsession opened\b|unauthori[sz]ed access",
    re.IGNORECASE,
)
_ATTACK = re.compile(
    r"inject|\bxss\b|csrf|attack|exploit|\bunion\b|breach|\bhack|malicious|\.\./|%2e%2e|etc/passwd|<script|base64_decode|sqlmap|nikto|suspicious|intrusion|"
    r"upload|\bscann?(?:er|ing)\b|\bbrute|unauthori[sz]ed|port ?scan",
    re.IGNORECASE,
)


def is_log(path: str) -> bool:
    """Whether a path is one of a log, or of a folder of logs."""
    return bool(_LOG.search(path))


def log_name(path: str) -> str:
    """What to call the logs of a path: the folder that is theirs, else the file: ``/var/log/shop/app.log`` is ``shop``,
    ``/var/log/auth.log`` is ``auth``."""
    folders = [part for part in path.rstrip("/").split("/") if part]
    file = folders.pop() if folders and not path.endswith("/") and ("." in folders[-1] or "*" in folders[-1]) else ""
    own = [slug(part) for part in folders if part.lower() not in _FOLDERS and "$" not in part]
    return (
        (own[-1] if own else "") or slug(_ROTATED.sub("", last_part(file))) or ("system" if path.startswith("/var/log") else "application")
    )


def log_entry(path: str, **value: Any) -> EntryDraft:
    """The entry of the logs of a path."""
    folder, slash, name = path.rpartition("/")
    return EntryDraft("logs", log_name(path), {"paths": [f"{folder}{slash}{current(name)}"], **value})


def current(names: str) -> str:
    """The pattern of the files that are written, where a pattern names their rotated ones: ``*.log.*`` and ``*.log.gz`` give ``*.log``."""
    return re.sub(r"\.log(?:\.|\*).*$", ".log", names)


def topic_of(pattern: str, path: str, comment: str) -> str:
    """What is looked for: ``security.patterns``, ``security.auth``, or nothing special. The comment counts, then the pattern."""
    for text in (comment, pattern):
        if _ATTACK.search(text):
            return "security.patterns"
        if _AUTH.search(text) or re.search(r"\bauth", text, re.IGNORECASE):
            return "security.auth"
    return "security.auth" if _AUTH_LOG.search(path) else ""


def rotation(directives: Mapping[str, str]) -> dict[str, Any]:
    """logrotate's directives (logrotate(8)) as a rotation: how often, how many are kept, when they are packed, what is made anew."""
    every = next((words for word, words in _EVERY.items() if word in directives), "")
    found: dict[str, Any] = {"every": every} if every else {}
    if directives.get("rotate", "").isdigit():
        found["keep"] = int(directives["rotate"])
    if directives.get("maxage", "").isdigit():
        found["max_age"] = f"{directives['maxage']}d"
    if "compress" in directives and "nocompress" not in directives:
        found["compress"] = "after 1" if "delaycompress" in directives else "at once"
    for directive, key in (
        ("size", "size"),
        ("maxsize", "size"),
        ("minsize", "at_least"),
        ("create", "create"),
        ("su", "as"),
        ("olddir", "archive"),
    ):
        if directives.get(directive):
            found[key] = directives[directive]
    if "copytruncate" in directives:
        found["copy_and_truncate"] = True
    for directive, key in (("postrotate", "then"), ("prerotate", "first")):
        if directives.get(directive):
            found[key] = directives[directive]
    return found


_EVERY = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "yearly": "year"}
