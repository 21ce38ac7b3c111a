"""KW902: a secret is written out in the manual."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .secret_words import KNOWN_TOKEN, SECRET_NAME, is_placeholder, looks_secret

_NOT_THE_SECRET = re.compile(r"(?:file|path|name|ref|id|url|uri|type|length|ttl|expir\w*|policy|field|header)$", re.IGNORECASE)


def _check(manual: Manual) -> Iterator[Finding]:
    for number, text in enumerate(manual.lines, 1):
        match = KNOWN_TOKEN.search(text)
        if match and _is_real(match[0], text, manual.line_text(number + 1)):
            yield _finding(number, f"{match[0][:8]}...", "a token or key by its form")
    for script in manual.scripts:
        for assignment in script.assignments:
            value = assignment.value.text if assignment.value else None
            if value and SECRET_NAME.search(assignment.name) and looks_secret(value):
                yield _finding(assignment.line, assignment.name, "a value that looks like a real one")
    for setting in manual.settings:
        if SECRET_NAME.search(setting.key) and not _NOT_THE_SECRET.search(setting.key) and looks_secret(setting.value):
            yield _finding(setting.line, setting.path[-1], "a value that looks like a real one")


def _is_real(token: str, text: str, after: str) -> bool:
    """Whether what has the form of a token is one: a key has its first line of base64 behind it, and none says EXAMPLE."""
    if token.startswith("-----BEGIN"):
        return bool(re.search(r"[A-Za-z0-9+/]{40}", text.replace(token, "") + "\n" + after))
    return not is_placeholder(token)


def _finding(line: int, name: str, what: str) -> Finding:
    return Finding(
        line,
        f"{name} is written out here, {what}: whoever may read the manual has it",
        fix="read it from a file or a secret store, and change it",
    )


RULE = Rule(
    id="KW902",
    name="secret-in-the-text",
    title="A secret is written out in the manual",
    severity=Severity.ERROR,
    why="A manual is copied, printed, searched and kept in version control for years, by more people than may know the password. "
    "A secret that has stood in "
    "it counts as known and has to be changed. Source: https://cheatsheetseries.owasp.org/cheatsheets/Secrets_Management_Cheat_Sheet.html",
    bad="# Access\n\n```bash\nexport DB_PASSWORD='hk2Lq81vTz'\n```\n",
    good='# Access\n\n```bash\nexport DB_PASSWORD="$(cat /run/secrets/db)"\nexport API_TOKEN=YOUR_TOKEN_HERE\n```\n',
    check=_check,
)
