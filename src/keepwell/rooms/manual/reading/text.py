"""From bytes to lines that can be read: encodings, line ends, NUL, mojibake. Line numbers stay those of the file."""

import re
from dataclasses import dataclass

from keepwell.kernel.problems import UsageError

from .model import Mended

LARGEST = 20_000_000
"""Bytes of a manual. A larger one is refused: nobody wrote it by hand."""

DEEPEST = 100
"""Levels of blocks in blocks (two a list) that are read. Where the parser's own bound of twenty was reached, it left out the rest of the
document; Python's stack holds three times as many."""

_CONTROLS = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f\x7f]")
"""Bytes that no encoding of text has; a picture, a PDF or an archive is full of them."""
_LOOKED_AT = 65536

# What UTF-8 looks like when it was read as Windows-1252 or Latin-1 and written again: a lead byte's letter, then continuation bytes.
_SUSPICIOUS = re.compile("[Â-ô][\u0080-¿ŒœŠšŸŽžƒˆ˜–—‘’‚“”„†‡•…‰‹›€™]")


@dataclass(frozen=True, slots=True)
class Text:
    """A manual's lines as they are read, and what was odd about them."""

    lines: tuple[str, ...]
    mended: tuple[Mended, ...] = ()
    remarks: tuple[tuple[int, str], ...] = ()


def read_text(source: str | bytes, name: str) -> Text:
    """The lines of a manual. Raises UsageError where it is too large to be one, or binary."""
    if len(source) > LARGEST:
        raise UsageError(f"{name} is larger than {LARGEST // 1_000_000} MB", hint="divide it into manuals of their own")
    remarks: list[tuple[int, str]] = []
    text = source if isinstance(source, str) else _decoded(source, name, remarks)
    text = text.removeprefix("\ufeff")
    if "\0" in text:
        remarks.append((_line_of(text, text.index("\0")), "there is a NUL character, which is read as U+FFFD"))
        text = text.replace("\0", "\ufffd")
    written = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if written and not written[-1]:
        written.pop()
    lines, mended = _mend(written)
    return Text(tuple(lines), tuple(mended), tuple(remarks))


def _decoded(data: bytes, name: str, remarks: list[tuple[int, str]]) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        remarks.append((1, "it is UTF-16; Markdown is expected in UTF-8"))
        return data.decode("utf-16", errors="replace")
    if data[:4096].count(0) > len(data[:4096]) // 10:
        raise _no_text(name)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if len(_CONTROLS.findall(data[:_LOOKED_AT])) > len(data[:_LOOKED_AT]) // 50:
            raise _no_text(name) from None
        line = data.count(b"\n", 0, error.start) + 1
        remarks.append((line, f"byte {error.start + 1} is not UTF-8; what cannot be read is shown as U+FFFD"))
        return data.decode("utf-8", errors="replace")


def _no_text(name: str) -> UsageError:
    return UsageError(f"{name} is not text", hint="a manual is a Markdown file in UTF-8")


def _line_of(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _mend(written: list[str]) -> tuple[list[str], list[Mended]]:
    """Mojibake is mended line by line, so that no line moves; only lines that look like it are tried."""
    lines, mended = written, []
    suspicious = [at for at, line in enumerate(written) if not line.isascii() and _SUSPICIOUS.search(line)]
    if suspicious:
        from ftfy import fix_encoding  # costly to import, and most manuals need none of it

        lines = list(written)
        for at in suspicious:
            read = fix_encoding(written[at])
            if read != written[at] and "\n" not in read and "\r" not in read:
                lines[at] = read
                mended.append(Mended(at + 1, written[at], read))
    return lines, mended
