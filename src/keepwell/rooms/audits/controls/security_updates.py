"""The control ``security_updates``: each security update that waits, and package lists too old to know (apt of Debian and Ubuntu, dnf of
Fedora and its kin). It simulates, takes no lock, downloads nothing, and so may be made beside a real update."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from keepwell.config.options import Duration, Options
from keepwell.kernel.durations import format_duration
from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command, Result
from keepwell.rooms.audits.model import Control, Finding
from keepwell.rooms.audits.reading import shown, text_of

LIMIT = 4 * 1024 * 1024
_SCRIPT = r"""
echo "now $(date +%s)"
if command -v apt-get >/dev/null 2>&1; then
  echo "manager apt"
  echo "changed $(stat -c %Y /var/lib/apt/lists 2>/dev/null || echo 0)"
  echo "lists $(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' 2>/dev/null | wc -l)"
  apt-get -s -q -o Debug::NoLocking=true -o APT::Get::Show-User-Simulation-Note=false \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= dist-upgrade
elif command -v dnf >/dev/null 2>&1; then
  echo "manager dnf"
  echo "changed $(find /var/cache/dnf /var/cache/libdnf5 -name repomd.xml -printf '%Ts\n' 2>/dev/null | sort -n | tail -n 1)"
  echo "lists $(find /var/cache/dnf /var/cache/libdnf5 -name repomd.xml 2>/dev/null | wc -l)"
  dnf -q -C updateinfo list --security
else
  echo "manager none"
fi
"""
_APT = re.compile(r"Inst (\S{1,200})(?: \[([^\]]{1,200})\])? \((\S{1,200}) ([^\[\)]{0,1000})")
_SECURITY = re.compile(r"-security\b|\bsecurity\b", re.IGNORECASE)
_PACKAGE = re.compile(r"[A-Za-z0-9][\w.+-]{0,150}-[\w.:+~^]{1,100}-[\w.+~^]{1,100}\.[a-z0-9_]{2,12}")
_FACT = re.compile(r"(now|manager|changed|lists) ?(\S*)")


class SecurityUpdatesOptions(Options):
    """How old the package lists may be."""

    lists: Duration = timedelta(days=7)
    """Older package lists are a finding: what they do not know of is not looked for."""


def ask(options: SecurityUpdatesOptions) -> tuple[Command, ...]:
    """One fixed script for whichever package manager is there."""
    return (Command(("/bin/sh", "-c", _SCRIPT), environment={"LC_ALL": "C", "TZ": "UTC"}, output_limit=LIMIT),)


def read(options: SecurityUpdatesOptions, answers: Sequence[Result], now: datetime) -> Sequence[Finding]:
    """A finding for each update, and for old lists."""
    text = text_of(answers[0], "asking for updates")
    facts = {match[1]: match[2] for match in map(_FACT.fullmatch, text.splitlines()) if match}
    manager = facts.get("manager", "")
    if manager not in ("apt", "dnf"):
        raise AnswerError(
            "the host has neither apt nor dnf" if manager == "none" else f"asking for updates gave no usable answer: {shown(text)}"
        )
    return [*_old(options, facts), *(_apt(text) if manager == "apt" else _dnf(text))]


def _old(options: SecurityUpdatesOptions, facts: dict[str, str]) -> list[Finding]:
    if facts.get("lists", "0").strip("0") == "":
        return [Finding("lists", "there are no package lists: nothing is known of updates")]
    at, changed = facts.get("now", ""), facts.get("changed", "")
    if not (at.isdigit() and changed.isdigit()):
        raise AnswerError("asking for updates gave no usable answer: it does not tell the time")
    age = timedelta(seconds=max(0, int(at) - int(changed)))
    if age <= options.lists:
        return []
    return [Finding("lists", f"the package lists are {age.days} days old, older than {format_duration(options.lists)}")]


def _apt(text: str) -> list[Finding]:
    found = {}
    for match in filter(None, map(_APT.match, text.splitlines())):
        if _SECURITY.search(match[4]):
            before = f" from {match[2]}" if match[2] else ""
            found[match[1]] = f"the security update of {match[1]}{before} to {match[3]} is not installed"
    return [Finding(name, sentence) for name, sentence in sorted(found.items())]


def _dnf(text: str) -> list[Finding]:
    """Lines of an advisory's name, its type, its severity and the package, in dnf 4 and dnf 5 alike."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        advisory, *words = line.split() or [""]
        package = next(filter(_PACKAGE.fullmatch, words), None)
        if package is not None:
            found[package] = f"the security update {package} ({shown(advisory)}) is not installed"
    return [Finding(name, sentence) for name, sentence in sorted(found.items())]


DRIVER = Control(
    summary="Security updates that are not installed, and package lists that are too old",
    options=SecurityUpdatesOptions,
    ask=ask,
    read=read,
    example="updates:\n  security_updates: {lists: 3d}\n  every: daily 04:00\n",
)
