"""KW423: failed logins are looked for by words that the log of logins does not contain."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .pattern_words import GREPS, files_of, pattern_of, short

_NEVER = ("authentication failed", "login failed", "failed login", "failed authentication", "invalid password")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named(*GREPS):
            pattern = pattern_of(command)
            files = [path for path in files_of(command) if re.search(r"/(auth\.log|secure)[\w.*-]*$", path)]
            words = [part.strip(" ()\"'") for part in re.split(r"\\?\|", pattern.filled.lower())] if pattern else []
            if files and words and all(word in _NEVER for word in words):
                yield Finding(
                    command.line,
                    f"sshd and PAM do not write '{' or '.join(words)}' into {short(files[0])}: they write 'Failed password' and "
                    "'authentication failure'",
                    command.end_line,
                    command.column,
                    f"grep -E 'Failed password|authentication failure' {short(files[0])}, or lastb",
                    width=len(command.name),
                )


RULE = Rule(
    id="KW423",
    name="words-that-no-login-writes",
    title="Failed logins are looked for by words that are not written",
    severity=Severity.ERROR,
    why="sshd logs 'Failed password for ...' and 'Invalid user ...', and PAM's modules log 'authentication failure;'. A search "
    "for other words in auth.log or "
    "secure stays empty during an attack. Source: OpenSSH auth.c (auth_log); pam_unix(8).",
    bad='# Logins\n\n```bash\ngrep "authentication failed" /var/log/auth.log | tail\n```\n',
    good='# Logins\n\n```bash\ngrep -E "Failed password|authentication failure" /var/log/auth.log | tail\n```\n',
    check=_check,
)
