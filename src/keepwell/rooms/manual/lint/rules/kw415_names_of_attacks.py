"""KW415: attacks are searched for by their names, or by words that good requests have too."""

import re
from collections.abc import Iterator

from keepwell.rooms.manual.lint.model import Finding, Rule, Severity
from keepwell.rooms.manual.reading.model import Manual

from .pattern_words import GREPS, files_of, is_access_log, is_log, pattern_of

_NAMES = ("sql injection", "sqli", "xss", "csrf", "injection", "attack", "hack", "hacker", "exploit", "breach", "brute force")
_SQL = ("union", "select", "insert", "delete", "drop", "update")


def _check(manual: Manual) -> Iterator[Finding]:
    for script in manual.scripts:
        for command in script.named(*GREPS):
            pattern, files = pattern_of(command), files_of(command)
            if pattern is None or not any(is_log(path) or is_access_log(path) for path in files):
                continue
            sentence = _judge(pattern.filled.lower(), any(is_access_log(path) for path in files))
            if sentence:
                fix = (
                    "use the rule set of a web application firewall, or fail2ban's filters"
                    if "DELETE" in sentence
                    else "search for what the attack sends, or count refused requests"
                )
                yield Finding(command.line, sentence, command.end_line, command.column, fix, width=len(command.name))


def _judge(pattern: str, access_log: bool) -> str:
    words = [part.strip(" ()\\^$") for part in re.split(r"\\?\|", pattern.strip("()"))]
    sql = [word for word in words if word in _SQL]
    if access_log and len(sql) > 1:
        return f"'{'|'.join(sql)}' matches every HTTP DELETE and parameters such as ?select=, and misses encoded requests (%75nion)"
    names = [word for word in words if word in _NAMES]
    if names:
        return f"a request that attacks does not say so: '{', '.join(names)}' finds only what the application itself names like this"
    return ""


RULE = Rule(
    id="KW415",
    name="names-of-attacks",
    title="Attacks are looked for by their names",
    severity=Severity.WARNING,
    why="An injection does not write 'injection' into the log; it writes quotes, encoded keywords and paths. A search for the "
    "name stays empty during an "
    "attack and calms the reader. A search for single SQL words finds ordinary requests instead. "
    "Source: https://owasp.org/www-community/attacks/SQL_Injection",
    bad='# Security\n\n```bash\ngrep -E "(sql injection|xss|csrf)" logs/app.log\n```\n',
    good='# Security\n\n```bash\nfail2ban-client status\ngrep -iE "union(%20|\\+)+(all(%20|\\+)+)?select" logs/nginx/access.log\n```\n',
    check=_check,
)
