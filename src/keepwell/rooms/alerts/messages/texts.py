"""A notice as plain text: for mail, for ntfy, for Apprise, and for a terminal."""

from collections.abc import Iterator

from keepwell.rooms.alerts.model import Notice

from .words import MOST_PASSAGES, Passage, Words, title, words_of

__all__ = ["short", "text", "title"]


def text(notice: Notice, most: int = MOST_PASSAGES) -> str:
    """The whole notice; ends with a line break."""
    if notice.letter is not None:
        return f"{notice.letter.text.rstrip()}\n"
    return "\n".join(_lines(words_of(notice, most))) + "\n"


def short(notice: Notice) -> str:
    """The same for a chat or a telephone: of a letter its summary and where it can be read."""
    if notice.letter is None:
        return text(notice)
    link = words_of(notice).link
    return f"{notice.letter.summary.rstrip()}\n" + (f"See {link}\n" if link else "")


def _lines(words: Words) -> Iterator[str]:
    yield words.title
    if words.reason:
        yield f"Why now: {words.reason}"
    for passage in words.passages:
        yield ""
        yield from _passage(passage)
    if words.more:
        yield ""
        yield f"and {words.more} more"
    if words.link:
        yield ""
        yield f"See {words.link}"


def _passage(passage: Passage) -> Iterator[str]:
    yield " ".join(part for part in (passage.state.upper(), passage.severity, passage.name) if part)
    if passage.summary:
        yield f"  {passage.summary}"
    yield from (f"  {line}" for line in passage.description.splitlines())
    yield f"  {passage.when}"
    if passage.labels:
        yield "  " + ", ".join(f"{name}={value}" for name, value in passage.labels)
    yield from (f"  {name}: {value}" for name, value in passage.notes)
    if passage.acknowledged_by:
        yield f"  acknowledged by {passage.acknowledged_by}"
    yield from (f"  {word}: {address}" for word, address in passage.links)
