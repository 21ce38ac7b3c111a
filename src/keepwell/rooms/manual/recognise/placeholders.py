"""Words that stand in a manual for something the reader is to fill in. What holds one never becomes a check."""

import re

from keepwell.rooms.manual.shell import CLOSING, OPENING

# Names under example.* and these top-level domains belong to nobody: RFC 2606 and RFC 6761.
_RESERVED = re.compile(r"(?:^|[./@])(?:example\.(?:com|org|net|edu)|[\w-]+\.(?:example|invalid))(?:$|[:/?#])", re.IGNORECASE)
_FILL_IN = re.compile(
    rf"<[^>]*>|{OPENING}[^{CLOSING}]*{CLOSING}"
    r"|\{\{?[^}]*\}|\[[A-Za-z _-]+\]"  # <host>, {name}, {{ name }}, [host]
    r"|your[-_.]?(?:domain|host|server|site|company|service|app|app-name|name)\b"
    r"|(?:^|[^A-Za-z])YOUR(?:[^A-Za-z]|$)"
    r"|\bchange[-_]?me\b|\bx{3,}\b|\.\.\.|…",
    re.IGNORECASE,
)


def placeholder(text: str) -> str:
    """The placeholder in the text, or nothing."""
    found = _FILL_IN.search(text) or _RESERVED.search(text)
    return found[0].strip("/:.@?#").replace(OPENING, "<").replace(CLOSING, ">") if found else ""


def unknown_variable(text: str) -> str:
    """The shell variable or substitution in the text that the block itself does not give a value, or nothing."""
    found = re.search(r"\$(?:\w+|\{[^}]*\}?|\(.*|[@#?*!$-])|`", text)
    return found[0] if found else ""
