"""Matchers mean what they mean in Prometheus, and patterns are RE2."""

import pytest
import re2

from keepwell.kernel.problems import Refused
from keepwell.ports.samples import Matcher, Operator
from keepwell.rooms.samples.matching import fits, meaning_of

LABELS = {"__name__": "http_requests_total", "job": "api", "path": "/a\nb"}


@pytest.mark.parametrize(
    ("label", "operator", "value", "expected"),
    [
        ("job", "=", "api", True),
        ("job", "=", "ap", False),
        ("job", "!=", "api", False),
        ("job", "!=", "web", True),
        ("job", "=~", "a.*", True),
        ("job", "=~", "p", False),
        ("job", "=~", "web|api", True),
        ("job", "!~", "web|api", False),
        ("job", "=~", "(?i)API", True),
        ("path", "=~", "/a.b", True),
        ("absent", "=", "", True),
        ("absent", "!=", "", False),
        ("absent", "=~", ".*", True),
        ("absent", "=~", ".+", False),
        ("absent", "!~", ".+", True),
        ("absent", "!=", "x", True),
        ("__name__", "=~", "http_.+_total", True),
    ],
)
def test_a_matcher(label: str, operator: Operator, value: str, expected: bool) -> None:
    assert fits(LABELS, [Matcher(label, operator, value)]) is expected


@pytest.mark.parametrize("pattern", ["(", "(?=a)", r"(a)\1", "a{2000}", "\udcff", "a" * 20_000])
def test_what_is_no_pattern_is_refused_in_one_sentence(pattern: str) -> None:
    with pytest.raises(Refused) as caught:
        meaning_of(Matcher("job", "=~", pattern))
    problem = caught.value.problems[0]
    assert problem.code == "samples.pattern"
    assert len(problem.message) < 500


def test_an_operator_that_does_not_exist() -> None:
    with pytest.raises(Refused, match="compares no labels"):
        meaning_of(Matcher("job", "==", "x"))  # type: ignore[arg-type]


def test_a_pattern_that_takes_others_for_ever_takes_no_time() -> None:
    assert not fits({"a": "a" * 4000}, [Matcher("a", "=~", "(a+)+b")])


@pytest.mark.parametrize(
    "pattern", ["ab*", "ab?c", "ab{0,1}c", "abc.*", "ab.c", "a|b.c", "abc", "abc|b", "(?i)ab", "ab$", "^ab", r"a\.b", "", "|", "a|", "*"]
)
def test_short_cuts_change_nothing(pattern: str) -> None:
    """What begins with a text, or is nothing but texts, is not left to RE2 alone: the answers are RE2's."""
    texts = ["", "a", "ab", "abc", "abbc", "ac", "b", "bxc", "AB", "a.b", "abcd", "ab\nc"]
    try:
        expected = [re2.compile(f"(?s)(?:{pattern})").fullmatch(text) is not None for text in texts]
    except re2.error:
        with pytest.raises(Refused):
            meaning_of(Matcher("x", "=~", pattern))
        return
    assert [meaning_of(Matcher("x", "=~", pattern))(text) for text in texts] == expected
    assert [meaning_of(Matcher("x", "!~", pattern))(text) for text in texts] == [not fits for fits in expected]
