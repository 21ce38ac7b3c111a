"""Matchers in both syntaxes of Alertmanager, and what they mean."""

import pytest

from keepwell.kernel.patterns import LONGEST, whole
from keepwell.rooms.alerts.matchers import fits, fits_all, meaning_of, parse_matcher, parse_matchers, written
from keepwell.rooms.alerts.model import Matcher

ONE = [
    ("severity=critical", ("severity", "=", "critical")),
    ('severity="critical"', ("severity", "=", "critical")),
    ('severity = "critical"', ("severity", "=", "critical")),
    ("  severity  !=  critical  ", ("severity", "!=", "critical")),
    ('severity=~"P0|P1"', ("severity", "=~", "P0|P1")),
    ("severity!~P.*", ("severity", "!~", "P.*")),
    ("severity=", ("severity", "=", "")),
    ('severity=""', ("severity", "=", "")),
    ("a=b c", ("a", "=", "b c")),
    ("a==b", ("a", "=", "=b")),
    ("a=~~b", ("a", "=~", "~b")),
    ('a="b,c"', ("a", "=", "b,c")),
    ('a="b\\nc"', ("a", "=", "b\nc")),
    ('a="b\\\\nc"', ("a", "=", "b\\nc")),
    ('a="say \\"yes\\""', ("a", "=", 'say "yes"')),
    (r'a=~"\d+"', ("a", "=~", r"\d+")),  # the classic syntax: a backslash before anything else stands for itself
    ("a=b\\", ("a", "=", "b\\")),
    ("a=grüße", ("a", "=", "grüße")),
    ('a="}"', ("a", "=", "}")),
    ("job:rate=x", ("job:rate", "=", "x")),
    # Only the newer syntax reads these.
    ('"a b"=c', ("a b", "=", "c")),
    ('"größe"="x"', ("größe", "=", "x")),
    ("größe=x", ("größe", "=", "x")),
    ('"a"="\\u00e9\\x41\\101\\t"', ("a", "=", "éAA\t")),
    ('"a\\"b"=~"c"', ('a"b', "=~", "c")),
    ("a.b=c", ("a.b", "=", "c")),
    # The two disagree, and the classic one counts.
    ('a="\\u00e9"', ("a", "=", "\\u00e9")),
]

MANY = [
    ("", []),
    ("{}", []),
    ("a=b,c=d", ["a=b", "c=d"]),
    ('{a="b", c=~"d|e"}', ["a=b", "c=~d|e"]),
    ('{a="b",}', ["a=b"]),
    ("a=b,", ["a=b"]),
    ('{ "a b" = "c", d!=e, }', ["a b=c", "d!=e"]),
    ('a="b,c=d",e=f', ["a=b,c=d", "e=f"]),
]

REFUSED = [
    ("severity", "is no matcher"),
    ("=x", "is no matcher"),
    ('"a"', "is no matcher"),
    ('a="b', "lacks its second double quote"),
    ('a=b"', "has a double quote inside"),
    ('a="b"c"', "has a double quote inside"),
    ('a=~"("', "is no RE2 expression"),
    (r'a!~"(?=x)"', "is no RE2 expression"),
    ("a=b,,c=d", "is no matcher"),
    (",", "is no matcher"),
    ('"a b=c', "is no matcher"),
    ('"a\\xff"="b"', "is no matcher"),
    ('"a\\q"="b"', "is no matcher"),
    ('""="b"', "is no matcher"),
]


@pytest.mark.parametrize(("text", "wanted"), ONE)
def test_one_matcher_is_read(text: str, wanted: tuple[str, str, str]) -> None:
    found = parse_matcher(text)
    assert (found.label, found.operator, found.value) == wanted


@pytest.mark.parametrize(("text", "wanted"), MANY)
def test_several_are_read(text: str, wanted: list[str]) -> None:
    assert [f"{one.label}{one.operator}{one.value}" for one in parse_matchers(text)] == wanted


@pytest.mark.parametrize(("text", "reason"), REFUSED)
def test_what_is_none_is_refused_in_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_matchers(text)


@pytest.mark.parametrize("text", ["{a=b}", "{a=b", "a=b}", "a=b,c=d", ""])
def test_one_matcher_has_no_braces_and_no_commas(text: str) -> None:
    with pytest.raises(ValueError, match=r"braces|not one matcher"):
        parse_matcher(text)


def test_what_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        parse_matchers("a=" + "b" * 100_000)
    with pytest.raises(ValueError, match="at most"):
        parse_matchers("a=~" + "b" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("text", "labels", "wanted"),
    [
        ('a="b"', {"a": "b"}, True),
        ('a="b"', {"a": "bb"}, False),
        ('a=""', {}, True),
        ('a!=""', {}, False),
        ('a!="b"', {}, True),
        ('a=~"b|c"', {"a": "c"}, True),
        ('a=~"b|c"', {"a": "bc"}, False),  # the whole value
        ('a=~"b.*"', {"a": "bcd"}, True),
        ('a=~"b.*"', {"a": "b\nc"}, False),  # in Alertmanager a dot fits no line break
        ('a=~"b+"', {"a": "bbb"}, True),
        ('a=~"b?c"', {"a": "c"}, True),
        ('a=~"(?i)B"', {"a": "b"}, True),
        ('a=~""', {}, True),
        ('a=~".+"', {}, False),
        ('a!~"b|c"', {"a": "d"}, True),
        ('a!~"b|c"', {"a": "b"}, False),
        ('a!~".+"', {}, True),
        ("a=b,c=d", {"a": "b"}, False),
        ("", {"a": "b"}, True),
    ],
)
def test_labels_fit(text: str, labels: dict[str, str], wanted: bool) -> None:
    matchers = parse_matchers(text)
    assert fits(matchers, labels) is wanted
    assert fits_all(matchers)(labels) is wanted


def test_a_matcher_is_written_as_it_can_be_read_again() -> None:
    matchers = [Matcher("b", "=~", 'x"y\\d\n'), Matcher("a", "!=", ""), Matcher("b", "!=", "a")]
    text = written(matchers)
    assert text == '{a!="",b!="a",b=~"x\\"y\\\\d\\n"}'
    assert sorted(parse_matchers(text), key=str) == sorted(matchers, key=str)


def test_a_label_that_needs_quotes_is_written_in_them() -> None:
    matcher = Matcher('a "b"', "=", "c d")
    assert str(matcher) == '"a \\"b\\""="c d"'
    assert parse_matcher(str(matcher)) == matcher


def test_tests_of_equal_matchers_are_made_once() -> None:
    assert meaning_of(Matcher("a", "=~", "x.*")) is meaning_of(Matcher("a", "=~", "x.*"))


@pytest.mark.parametrize("pattern", ["a.c", "ab?", "ab*", "ab{0}", "a|bc", "^a", "[ab]c", "x", ""])
def test_a_shortcut_changes_no_meaning(pattern: str) -> None:
    """Patterns are looked at by their beginning first: what that says must be what the pattern says."""
    import re

    for text in ("", "a", "ab", "abb", "ac", "abc", "bc", "x", "xx", "a\nc"):
        assert whole(pattern, dot_fits_line_break=False)(text) is (re.fullmatch(pattern, text) is not None), (pattern, text)
