"""Conditions as manuals write them: ``error rate > 10% for 5m``, ``application down for 2m``. Pure."""

import re
from dataclasses import dataclass
from datetime import timedelta

from keepwell.kernel.comparisons import Comparison, parse_comparison
from keepwell.kernel.durations import parse_duration
from keepwell.kernel.quoting import quoted

LONGEST = 300

_LASTS = re.compile(r"\s+for\s+(?P<hold>[0-9][^<>=!]*)$")
_COMPARED = re.compile(r"(?P<about>.*?)\s*(?P<sign>>=|<=|==|!=|=|>|<)\s*(?P<rest>.*)", re.DOTALL)
_AMOUNT = re.compile(r"(?P<amount>[+-]?[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?(?: ?(?:%|[A-Za-z]{1,3}\b))?)(?P<tail>.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class When:
    """``figure`` is what is measured, in the writer's words (small letters, one space between them); ``limit`` what it is compared with,
    None for a state (``application down``); ``hold`` how long that must last, None where it does not say."""

    figure: str
    limit: Comparison | None
    hold: timedelta | None


def figure_name(words: str) -> str:
    """The name of a figure as it is compared: small letters, one space between words."""
    return " ".join(words.lower().split())


def parse_when(text: str) -> When:
    """The condition of such a text: words, a comparison and what the amount is a share of (``of max``), and for how long.

    What follows the amount is part of the figure: ``connections > 80% of max`` is the figure ``connections of max``. Raises ValueError
    with one sentence for anything else.
    """
    written = " ".join(text.split())
    if not written or len(written) > LONGEST:
        raise ValueError(f"{quoted(text[:60])} is no condition: write words and a comparison, such as error rate > 10% for 5m")
    lasts = _LASTS.search(written)
    hold = parse_duration(lasts["hold"]) if lasts else None
    condition = written[: lasts.start()] if lasts else written
    compared = _COMPARED.fullmatch(condition)
    if compared is None:
        return When(_figure(condition, text), None, hold)
    limit, tail = _limit(compared["sign"], compared["rest"], text)
    return When(_figure(f"{compared['about']} {tail}", text), limit, hold)


def _limit(sign: str, rest: str, text: str) -> tuple[Comparison, str]:
    """The comparison, and the words behind its amount. A unit of letters that is none is a word: ``> 5 of 10``."""
    found = _AMOUNT.fullmatch(rest)
    if found is None:
        raise ValueError(f"{quoted(text)} has no amount behind {sign}: write one such as 10%, 500ms, 200MB or 5")
    amount, tail = found["amount"], found["tail"]
    word = re.fullmatch(r"(?P<number>\S+) (?P<word>[A-Za-z]+)", amount)
    try:
        return parse_comparison(f"{sign} {amount}"), tail.strip()
    except ValueError:
        if word is None:
            raise
    return parse_comparison(f"{sign} {word['number']}"), f"{word['word']}{tail}".strip()


def _figure(words: str, text: str) -> str:
    name = figure_name(words)
    if not re.search(r"[^\W_]", name):
        raise ValueError(f"{quoted(text)} does not say what is measured: write words before the comparison, such as error rate > 10%")
    return name
