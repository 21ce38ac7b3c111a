"""KW609: a container image whose version gets no fixes any more."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .removed import IMAGES, Removed

_IMAGE = re.compile(r"(?:docker\.io/)?(?:library/)?([a-z]+):v?(\d+(?:\.\d+)*)(?:[-.\w]*)?")


def _check(manual: Manual) -> Iterator[Finding]:
    for line, name in _images(manual):
        entry = _ended(name)
        if entry:
            yield Finding(line, f"{name}: no security fixes {entry.when}", fix=entry.instead)


def _images(manual: Manual) -> Iterator[tuple[int, str]]:
    """Every image that the manual pulls, runs or builds on."""
    for script in manual.scripts:
        for command in script.named("docker", "podman"):
            if command.subcommand in ("pull", "run", "create"):
                yield from ((word.line, word.filled) for word in command.operands[1:2])
    for setting in manual.settings:
        if setting.key in ("image", "from"):
            yield setting.line, setting.value.partition(" ")[0]


def _ended(name: str) -> Removed | None:
    match = _IMAGE.fullmatch(name)
    if match is None:
        return None
    parts = match[2].split(".")
    names = {f"{match[1]}:{'.'.join(parts[:count])}" for count in range(1, len(parts) + 1)}
    return next((entry for entry in IMAGES if entry.name in names), None)


RULE = Rule(
    id="KW609",
    name="image-past-its-end",
    title="The image's version gets no fixes any more",
    severity=Severity.WARNING,
    why="After its end of life a version gets no security fixes, and its image is no longer rebuilt when a library below it has a "
    "hole. Pulling it again, "
    "as a security update often does, brings nothing new. Source: https://www.postgresql.org/support/versioning/ and each "
    "project's own page.",
    bad="# Update\n\n```bash\ndocker pull postgres:12\n```\n",
    good="# Update\n\n```bash\ndocker pull postgres:17\n```\n",
    check=_check,
)
