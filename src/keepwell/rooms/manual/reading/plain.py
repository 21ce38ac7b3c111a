"""Inline Markdown as plain text."""

import re

# CommonMark 0.31.2, 6.1 to 6.3. What is between marks of emphasis is bounded, so that no text makes this slow.
_CODE = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[([^\]\[]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")
_EMPHASIS = (
    re.compile(r"\*\*(?=\S)(.{1,500}?)(?<=\S)\*\*", re.DOTALL),
    re.compile(r"(?<!\w)__(?=\S)(.{1,500}?)(?<=\S)__(?!\w)", re.DOTALL),
    re.compile(r"(?<![\w*])\*(?=[^\s*])(.{1,500}?)(?<=\S)\*(?!\w)", re.DOTALL),
    re.compile(r"(?<!\w)_(?=\S)(.{1,500}?)(?<=\S)_(?!\w)", re.DOTALL),
)
_HELD = re.compile("\ue000([0-9]+)\ue001")
"""Stands for a span of code while the marks around it are removed."""


def plain(text: str) -> str:
    """The text without marks for emphasis and code; of a link its words. What is code stays as it is, and so does a mark without another
    one that closes it: it belongs to a name or to a pattern."""
    codes: list[str] = []

    def hold(match: re.Match[str]) -> str:
        codes.append(match[2])
        return f"\ue000{len(codes) - 1}\ue001"

    text = _CODE.sub(hold, text.replace("\ue000", "\ufffd").replace("\ue001", "\ufffd"))
    text = _LINK.sub(r"\1", text).replace("`", "")
    for emphasis in _EMPHASIS:
        text = emphasis.sub(r"\1", text)
    return _HELD.sub(lambda match: codes[int(match[1])], text).strip()
