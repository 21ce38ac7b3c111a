"""docs/promql.md names what the code refuses and where it stops."""

from pathlib import Path

import pytest

from keepwell.rooms.promql import tokens
from keepwell.rooms.promql.own import LIMITS
from keepwell.rooms.promql.parse import DEEPEST
from keepwell.rooms.promql.scope import REFUSALS
from keepwell.rooms.samples.work.recall import MOST_AT_ONCE

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "promql.md").read_text("utf-8")


@pytest.mark.parametrize("word", [word for refusal in REFUSALS for word in refusal.words])
def test_what_is_refused_is_listed(word: str) -> None:
    assert f"`{word}`" in PAGE


@pytest.mark.parametrize(
    "row",
    [
        f"| numbers held at once | {LIMITS.samples:,} |",
        f"| samples read by one selector | {MOST_AT_ONCE:,} |",
        f"| points of a series in a range | {LIMITS.points:,} |",
        f"| time of a query, waiting for its turn included | {LIMITS.seconds / 60:g} min |",
        f"| characters of an expression | {tokens.LONGEST:,} |",
        f"| brackets in brackets, parts in parts | {tokens.DEEPEST}, {DEEPEST} |",
        f"| operators in one expression | {tokens.MOST_OPERATORS:,} |",
    ],
)
def test_a_limit_is_told_as_it_is(row: str) -> None:
    assert row in PAGE
