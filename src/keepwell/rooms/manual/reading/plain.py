"""Inline Markdown as plain text."""

import re

_MARKS = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_LINK = re.compile(r"!?\[([^\]\[]*)\]\([^()\s]*(?:\s+\"[^\"]*\")?\)")


def plain(text: str) -> str:
    """The text without marks for emphasis and code; of a link its words."""
    return _MARKS.sub("", _LINK.sub(r"\1", text)).strip()
