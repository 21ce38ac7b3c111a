"""KW411: a search for what everybody may write to, which leaves out directories."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named("find"):
            kinds, mode = {word.filled for word in command.options("-type")}, command.option("-perm")
            acts = command.has_flag("-exec", "-delete", "-execdir", "-ok")
            if kinds == {"f"} and mode and re.fullmatch(r"[-/](?:o[+=]w|[ao]*[+=]w|0*00?2|0*022)", mode.filled) and not acts:
                yield Finding(
                    command.line,
                    "-type f leaves out directories: in one that everybody may write to, every file can be replaced, and "
                    f"-perm {mode.filled} never shows it",
                    column=command.column,
                    fix="find ... \\( -type f -o -type d \\) -perm -o+w",
                    width=len("find"),
                )


RULE = Rule(
    id="KW411",
    name="files-but-not-directories",
    title="A search for files open to everybody leaves out directories",
    severity=Severity.WARNING,
    why="Who may write to a directory may remove and replace any file in it, whatever the file's own mode. An audit of "
    "permissions that looks at regular "
    "files only misses the more dangerous half. Source: path_resolution(7), unlink(2) (EACCES: write access to the directory).",
    bad="# Audit\n\n```bash\nfind /opt/shop -type f -perm /o+w\n```\n",
    good="# Audit\n\n```bash\nfind /opt/shop \\( -type f -o -type d \\) -perm /o+w\nfind /opt/shop ! -type l -perm -o+w\n```\n",
    check=_check,
)
