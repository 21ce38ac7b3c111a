"""``${VAR}`` in the fields that allow it."""

import re
from collections.abc import Callable, Mapping

_FORM = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def expand(text: str, environment: Mapping[str, str], complain: Callable[[str, str], None]) -> str:
    """The text with each ``${VAR}`` replaced by its value and each ``$${`` by ``${``. Values are not looked at again.

    ``complain(message, hint)`` hears of a variable that is not set or not named; no value is ever part of a message.
    """

    def replacement(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        name = match[1]
        if not match[2] or not _NAME.fullmatch(name):
            complain("${ is not followed by the name of a variable and }", "write ${NAME}, or $${ where ${ itself is meant")
        elif name not in environment:
            hint = f"set it where Keepwell runs, or write $${{{name}}} for this very text"
            complain(f"the environment variable {name} is not set", hint)
        else:
            return environment[name]
        return match[0]

    return _FORM.sub(replacement, text) if "${" in text else text


def names(text: str) -> set[str]:
    """The variables that a text names."""
    return {match[1] for match in _FORM.finditer(text) if match[1]}
