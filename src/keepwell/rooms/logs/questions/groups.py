"""What lines are counted by: the whole line, what it says, one of its fields, or the value behind a label."""

import re

import pyarrow.compute as pc

from .table import Column, joined

LONGEST_GROUP = 300

_MASKS = (
    (r"^[\s\[(]*(?:[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}[T ]|[A-Z][a-z]{2} [ 0-9][0-9] )[0-9:.,]+(?:Z|[+-][0-9:]{4,6})?[\s\])]*", ""),
    (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "*"),
    (r"\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F]*[0-9][0-9a-fA-F]{10,})\b", "*"),
    (r"[0-9]+(?:[.:,][0-9]+)*", "#"),
)
"""What differs from line to line where the same is said: the time, ids, numbers."""


def grouped(lines: Column, by: str) -> Column:
    """What each line is counted by; null where it has none."""
    if by in ("line", "field 0"):  # as awk has it, 0 is all of them
        return lines
    if by == "message":
        for pattern, instead in _MASKS:
            lines = pc.replace_substring_regex(lines, pattern, instead)
        return pc.utf8_slice_codeunits(pc.utf8_trim_whitespace(lines), 0, LONGEST_GROUP)
    fields = re.fullmatch(r"fields? (\S+)", by)
    if fields is None:
        return _found(lines, rf"(?:^|[^\w]){re.escape(by)}[\"']?\s*[:=]\s*[\"']?(?P<found>[^\s\"',;}}\]]+)")
    if fields[1] == "NF":
        return _found(lines, r"(?P<found>\S+)\s*$")
    parts = [_found(lines, _fields(span)) for span in fields[1].split(",")]
    return parts[0] if len(parts) == 1 else joined(*parts)


def _fields(span: str) -> str:
    """The pattern of fields between white space, counted from 1 as awk counts them; ``1-3`` and ``4-`` as cut(1) writes them."""
    first, dash, last = span.partition("-")
    start = int(first) if first.isdecimal() and int(first) else 1
    before = rf"^\s*(?:\S+\s+){{{start - 1}}}" if start > 1 else r"^\s*"
    if dash and not last.isdecimal():
        return rf"{before}(?P<found>\S.*?)\s*$"
    more = max(0, int(last) - start) if dash else 0
    return rf"{before}(?P<found>\S+" + (rf"(?:\s+\S+){{0,{more}}})" if more else ")")


def _found(lines: Column, pattern: str) -> Column:
    return pc.struct_field(pc.extract_regex(lines, pattern), "found")
