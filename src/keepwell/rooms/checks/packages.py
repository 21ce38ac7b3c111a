"""Which updates a host's package manager knows of, and how old its knowledge is: apt (Debian, Ubuntu) and dnf (Fedora, RHEL).

A fixed script asks whichever of them is there. It takes no lock, downloads nothing and writes no cache, so it may run beside a real
update. ``dist-upgrade`` is what would be simulated, because a plain upgrade leaves out every new kernel.
"""

import re
from dataclasses import dataclass

from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command

from .answers import text_of
from .model import Answer
from .texts import show

_SCRIPT = r"""
echo "now $(date +%s)"
if command -v apt-get >/dev/null 2>&1; then
  echo "manager apt"
  stat -c "changed %Y" /var/lib/apt/lists /var/lib/apt/periodic/update-stamp /var/lib/apt/periodic/update-success-stamp 2>/dev/null
  echo "lists $(find /var/lib/apt/lists -maxdepth 1 -name '*_Packages*' 2>/dev/null | wc -l)"
  apt-get -s -q -o Debug::NoLocking=true -o APT::Get::Show-User-Simulation-Note=false \
    -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= dist-upgrade 2>&1
  echo "status $?"
elif command -v dnf >/dev/null 2>&1; then
  echo "manager dnf"
  find /var/cache/dnf /var/cache/libdnf5 -name repomd.xml -printf "changed %T@\n" 2>/dev/null
  echo "lists $(find /var/cache/dnf /var/cache/libdnf5 -name repomd.xml 2>/dev/null | wc -l)"
  dnf -q -C check-update 2>&1
  echo "status $?"
  dnf -q -C --security check-update 2>&1
  echo "status $?"
else
  echo "manager none"
fi
"""
QUESTION = Command(("/bin/sh", "-c", _SCRIPT), environment={"LC_ALL": "C", "TZ": "UTC"}, output_limit=2 * 1024 * 1024)
"""What is asked."""

_APT = re.compile(r"Inst (\S{1,200})(?: \[[^\]]{1,200}\])? \((\S{1,200}) ([^\[\)]{0,1000})")
_SECURITY = re.compile(r"-security\b|Debian-Security|\bsecurity\b", re.IGNORECASE)
_DNF = re.compile(r"([A-Za-z0-9][A-Za-z0-9._+-]{0,199}\.[a-z0-9_]{2,12})\s+\S*[0-9]\S*\s+\S+\s*")


@dataclass(frozen=True, slots=True)
class Updates:
    """What is pending. ``age`` is how long ago the lists last changed, in seconds; None where there are no lists."""

    manager: str
    packages: tuple[str, ...]
    security: tuple[str, ...]
    age: float | None


def updates(answer: Answer) -> Updates | None:
    """The answer to ``QUESTION``; None where the host has neither manager. Raises AnswerError where a manager failed."""
    text = text_of(answer, "asking for updates")
    facts, sections = _split(text)
    manager = facts.get("manager", [""])[-1]
    if manager == "none":
        return None
    if manager not in ("apt", "dnf") or not sections:
        raise AnswerError(f"asking for updates gave no usable answer: {show(text.strip())}")
    age = _age(facts)
    if manager == "apt":
        return _apt(sections[0], age)
    listed = [_listed(section) for section in sections[:2]]
    return Updates("dnf", listed[0], listed[1] if len(listed) > 1 else (), age)


def _split(text: str) -> tuple[dict[str, list[str]], list[tuple[list[str], str]]]:
    """The facts before the manager's own words, and those words with the status at which each part of them ended."""
    facts: dict[str, list[str]] = {}
    sections: list[tuple[list[str], str]] = []
    lines: list[str] = []
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word in ("now", "manager", "changed", "lists") and not lines and not sections:
            facts.setdefault(word, []).append(rest.strip())
        elif word == "status" and rest.strip().isdigit():
            sections.append((lines, rest.strip()))
            lines = []
        else:
            lines.append(line)
    return facts, sections


def _age(facts: dict[str, list[str]]) -> float | None:
    """Since the newest change. Raises AnswerError where the host's own clock is not told."""
    instants = [float(one) for one in facts.get("changed", []) if re.fullmatch(r"[0-9]{1,12}(?:\.[0-9]{1,12})?", one)]
    now = facts.get("now", [""])[0]
    if not re.fullmatch(r"[0-9]{1,12}", now):
        raise AnswerError("asking for updates gave no usable answer: it does not tell the time")
    if facts.get("lists", ["0"])[0].strip("0") == "" or not instants:
        return None
    return max(0.0, float(now) - max(instants))


def _apt(section: tuple[list[str], str], age: float | None) -> Updates:
    lines, status = section
    if status != "0":
        raise AnswerError(f"apt-get ended with status {status[:4]}: {_error(lines)}")
    found = {match[1]: match[3] for match in map(_APT.match, lines) if match}
    return Updates("apt", tuple(found), tuple(name for name, origin in found.items() if _SECURITY.search(origin)), age)


def _listed(section: tuple[list[str], str]) -> tuple[str, ...]:
    """The packages that dnf lists: status 100 means that there are some. What follows "Obsoleting Packages" are no updates."""
    lines, status = section
    if status not in ("0", "100"):
        raise AnswerError(f"dnf ended with status {status[:4]}: {_error(lines)}")
    until = next((number for number, line in enumerate(lines) if line.startswith("Obsoleting")), len(lines))
    matches = [_DNF.fullmatch(line) for line in lines[:until]]
    found = tuple(dict.fromkeys(match[1].rpartition(".")[0] for match in matches if match))
    if status == "100" and not found:
        raise AnswerError("dnf says that there are updates and lists none")
    return found


def _error(lines: list[str]) -> str:
    """The first line that is called an error, else the last one."""
    told = [line.strip() for line in lines if line.strip()]
    return show(next((line for line in told if line.startswith(("E:", "Error"))), told[-1] if told else "nothing was said"))
