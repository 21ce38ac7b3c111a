"""How a command reads when it is put right: a function for each rule whose fault can be mended in the text. Pure.

Each gives the new text, or None where this very command cannot be mended so.
"""

import re
from collections.abc import Callable

from keepwell.rooms.manual.reading.shell_model import ShellCommand

Mend = Callable[[str, ShellCommand | None], str | None]


def _replace(pattern: str, by: str) -> Mend:
    compiled = re.compile(pattern)

    def mend(text: str, command: ShellCommand | None) -> str | None:
        new = compiled.sub(by, text)
        return new if new != text else None

    return mend


def _first(*mends: Mend) -> Mend:
    def mend(text: str, command: ShellCommand | None) -> str | None:
        return next((new for one in mends if (new := one(text, command)) is not None), None)

    return mend


def _each(*mends: Mend) -> Mend:
    def mend(text: str, command: ShellCommand | None) -> str | None:
        new = text
        for one in mends:
            new = one(new, command) or new
        return new if new != text else None

    return mend


_SS_STATES = {
    "ESTABLISHED": "ESTAB", "SYN_SENT": "SYN-SENT", "SYN_RECV": "SYN-RECV", "FIN_WAIT1": "FIN-WAIT-1", "FIN_WAIT2": "FIN-WAIT-2",
    "TIME_WAIT": "TIME-WAIT", "CLOSE_WAIT": "CLOSE-WAIT", "LAST_ACK": "LAST-ACK",
}  # fmt: skip
"""States of TCP as netstat(8) prints them, and as ss(8) does: a search for the one in the output of the other finds nothing."""
_SS_STATE = re.compile(rf"\b(?:{'|'.join(_SS_STATES)})\b")


def _ss(text: str, command: ShellCommand | None) -> str | None:
    new = re.sub(r"\bnetstat\b", "ss", text)
    return _SS_STATE.sub(lambda state: _SS_STATES[state[0]], new) if new != text else None


_CURL_JUDGES = _replace(r"\bcurl\b(?! (?:--fail|-f))", "curl -fsS")
_STOP_ON_ERROR = _replace(r"\bpsql\b(?! -v ON_ERROR_STOP)", "psql -v ON_ERROR_STOP=1")

MENDS: dict[str, Mend] = {
    "KW102": _first(_STOP_ON_ERROR, _CURL_JUDGES),
    "KW110": _CURL_JUDGES,
    "KW111": _CURL_JUDGES,
    "KW115": _replace(r"\bopenssl x509\b(.*?)-noout\b.*", r"openssl x509\1-noout -checkend 2592000"),
    "KW119": _replace(r"\bopenssl s_client\b(.*)", r"openssl s_client -verify_return_error\1 < /dev/null"),
    "KW209": _replace(r"\[ -[fe] (\S+) \]", r"find \1 -mmin -1500 | grep -q ."),
    "KW213": _STOP_ON_ERROR,
    "KW223": _replace(r"\s+(?:\\\n\s*)?--delete\b", ""),
    "KW419": _replace(r"\bapt(?:-get)? upgrade\b", "apt-get -y install --only-upgrade"),
    "KW420": _replace(r"(\)\[\d+[smhdw])\]", r"\1:]"),
    "KW501": _each(
        _replace(r"\btail -[fF]\b", "tail -n 100"),
        _replace(r"\b(logs)((?: -\S+)*?) -f\b", r"\1\2 --tail=100"),
        _replace(r"\bping (?!.*-c)", "ping -c 4 "),
    ),
    "KW503": _replace(r"\bapt(?:-get)? (install|upgrade)\b(?!.* -y\b)", r"apt-get -y \1"),
    "KW504": _replace(r"\b(docker-compose|docker compose) exec(?! -T)", r"\1 exec -T"),
    "KW505": _replace(r"\bcurl\b(?! (?:-m|--max-time))", "curl -m 10"),
    "KW601": _replace(r"\bdocker-compose\b(?!\.)", "docker compose"),
    "KW602": _each(_replace(r"/api/v1/alerts\b", "/api/v2/alerts"), _replace(r"\.data\[\]", ".[]")),
    "KW603": _replace(r"\b(mean|total|min|max|stddev)_time\b", r"\1_exec_time"),
    "KW604": _each(
        _replace(r"\bindexname\b", "indexrelname AS indexname"),
        _replace(r"\btablename\b(?!=)", "relname AS tablename"),
    ),
    "KW607": _ss,
}
"""By rule. What stands in two forms in one text is mended in both."""
