"""A notice as Slack's blocks (its documentation, "Block Kit"). What is foreign stands in ``plain_text``, in which nothing is markup; only
links are ``mrkdwn``, and their addresses hold none of its characters.
"""

from typing import Any

from keepwell.rooms.alerts.model import Notice

from .words import Passage, words_of

MOST = 10
"""Alerts told of one by one: a message may have 50 blocks, and each takes up to three."""
_COLOURS = {"critical": "#c62828", "warning": "#f9a825"}
_RESOLVED = "#2e7d32"
_NEITHER = "#1f6f78"
_LONGEST = 2900
"""Characters of a section; Slack takes 3,000."""


def message(notice: Notice, mention: str = "") -> dict[str, Any]:
    """The document for an incoming webhook. ``text`` is what a notification on a telephone shows; ``mention`` (Slack's own syntax) stands
    in it where something fires."""
    words = words_of(notice, MOST)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(words.title[:150])}]
    if mention and not notice.is_resolved:
        blocks.append(_marked(mention))
    for passage in words.passages:
        blocks += _passage(passage)
    if notice.letter is not None:
        blocks.append({"type": "section", "text": _plain(notice.letter.summary[:_LONGEST] or words.title)})
    if words.more:
        blocks.append({"type": "context", "elements": [_plain(f"and {words.more} more")]})
    if words.reason:
        blocks.append({"type": "context", "elements": [_plain(f"Why now: {words.reason}")]})
    if words.link:
        about = "All of it" if notice.letter is not None else "All alerts"
        blocks.append(_marked(f"<{_escaped(words.link)}|{about}>"))
    return {"text": _escaped(words.title), "attachments": [{"color": _colour(notice), "blocks": blocks}]}


def _passage(passage: Passage) -> list[dict[str, Any]]:
    first = " ".join(part for part in (passage.state.upper(), passage.severity, passage.name) if part)
    lines = [first, *([passage.summary] if passage.summary else []), *passage.description.splitlines()]
    lines += [f"{name}: {value}" for name, value in passage.notes]
    small = [passage.when, ", ".join(f"{name}={value}" for name, value in passage.labels)]
    small += [f"acknowledged by {passage.acknowledged_by}"] if passage.acknowledged_by else []
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": _plain("\n".join(lines)[:_LONGEST])},
        {"type": "context", "elements": [_plain(part[:_LONGEST]) for part in small if part]},
    ]
    if passage.links:
        blocks.append(_marked(" ".join(f"<{_escaped(address)}|{_escaped(word)}>" for word, address in passage.links)[:_LONGEST]))
    return blocks


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _marked(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _escaped(text: str) -> str:
    """As Slack asks for in text that may hold markup."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _colour(notice: Notice) -> str:
    if notice.letter is not None:
        return _NEITHER
    if notice.is_resolved:
        return _RESOLVED
    severities = {alert.labels.get("severity", "") for alert in notice.alerts if alert.state == "firing"}
    return _COLOURS["warning"] if severities and severities <= {"warning", "info"} else _COLOURS["critical"]
