"""Whether a host waits for a reboot: Debian's flag (/run/reboot-required), or a kernel in /boot newer than the one that runs."""

import re
from dataclasses import dataclass

from keepwell.kernel.problems import AnswerError
from keepwell.ports.runner import Command

from .answers import text_of
from .model import Answer, Question, ReadFile
from .texts import show

QUESTIONS: tuple[Question, ...] = (
    ReadFile("/run/reboot-required", 1024),
    ReadFile("/run/reboot-required.pkgs", 16 * 1024),
    ReadFile("/proc/sys/kernel/osrelease", 256),
    # Where there is no /boot, as in containers, it fails: no kernel is known then, and the flag alone decides.
    Command(("find", "/boot", "-maxdepth", "1", "-name", "vmlinuz-*", "-printf", "%f\\n"), environment={"LC_ALL": "C"}),
)
"""What is asked; ``pending`` reads the answers in this order."""

_KERNEL = re.compile(r"[0-9][A-Za-z0-9._+~-]{0,99}")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Reboot:
    """Whether a reboot is pending, and why; or why it is not."""

    pending: bool
    sentence: str


def pending(answers: tuple[Answer, ...]) -> Reboot:
    """Reads the answers to ``QUESTIONS``. Raises AnswerError where not even the running kernel is told."""
    flag, packages, running, kernels = answers
    release = text_of(running, "/proc/sys/kernel/osrelease").strip()
    if not _KERNEL.fullmatch(release):
        raise AnswerError(f"/proc/sys/kernel/osrelease gave no usable answer: {show(release)}")
    if not isinstance(flag, AnswerError):
        return Reboot(True, f"a reboot is pending: /run/reboot-required exists{_because(packages)}")
    newest = _newest(release, kernels)
    if newest is not None:
        return Reboot(True, f"a reboot is pending: the kernel {newest} is installed and {release} runs")
    return Reboot(False, f"no reboot is pending (kernel {release})")


def _because(packages: Answer) -> str:
    if isinstance(packages, AnswerError):
        return ""
    names = list(dict.fromkeys(text_of(packages, "/run/reboot-required.pkgs").split()))
    more = ", …" if len(names) > _SHOWN else ""
    return f", because of {', '.join(show(name) for name in names[:_SHOWN])}{more}" if names else ""


def _newest(release: str, kernels: Answer) -> str | None:
    """The newest kernel of the running one's flavour, where it is newer; None where /boot does not hold the running one itself."""
    try:
        names = text_of(kernels, "find").splitlines()
    except AnswerError:
        return None
    installed = {name.removeprefix("vmlinuz-") for name in names}
    if release not in installed:
        return None
    flavour = _flavour(release)
    same = [name for name in installed if _KERNEL.fullmatch(name) and _flavour(name) == flavour]
    newest = max(same, key=_in_order)
    return newest if _in_order(newest) > _in_order(release) else None


def _flavour(release: str) -> str:
    """The letters: of ``6.1.0-18-cloud-amd64`` ``cloudamd``, of ``5.14.0-362.el9_3.x86_64`` ``elx``."""
    return re.sub(r"rc[0-9]+|[^A-Za-z]+", "", release)


def _in_order(release: str) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]{1,9}", release)]
