"""Selectors, as Prometheus writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepwell.kernel.problems import UsageError
from keepwell.ports.samples import NAME, Matcher
from keepwell.rooms.samples.selectors import read_selector


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("up", [(NAME, "=", "up")]),
        (" job:requests:rate5m ", [(NAME, "=", "job:requests:rate5m")]),
        ("up{}", [(NAME, "=", "up")]),
        (
            'up{job="api",code!="200",a=~"x.*",b!~"y|z"}',
            [(NAME, "=", "up"), ("job", "=", "api"), ("code", "!=", "200"), ("a", "=~", "x.*"), ("b", "!~", "y|z")],
        ),
        ('{check="api"}', [("check", "=", "api")]),
        ('{__name__=~"http_.*"}', [(NAME, "=~", "http_.*")]),
        ("{a='b',}", [("a", "=", "b")]),
        ('{a="say \\"hi\\"\\n"}', [("a", "=", 'say "hi"\n')]),
        ('{"a name with spaces"}', [(NAME, "=", "a name with spaces")]),
        ('{ort="Zürich"}', [("ort", "=", "Zürich")]),
    ],
)
def test_plain_selectors(text: str, wanted: list[tuple[str, str, str]]) -> None:
    assert [(one.label, one.operator, one.value) for one in read_selector(text)] == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "{}",
        '{a=""}',
        '{a=~".*"}',
        "up[5m]",
        "up offset 5m",
        "up @ 100",
        "sum(up)",
        "up + up",
        "(up)",
        "-up",
        "1",
        '"text"',
        "up{",
        '{a="b" or c="d"}',
    ],
)
def test_what_is_no_plain_selector_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_selector(text)
    (problem,) = refused.value.problems
    assert "\n" not in problem.message
    assert problem.hint


@pytest.mark.parametrize("pattern", ["(", "(?=x)", "x{1001}", "(a)\\\\1"])
def test_patterns_that_re2_does_not_take(pattern: str) -> None:
    with pytest.raises(UsageError):
        read_selector(f'{{a=~"{pattern}"}}')


def test_too_long() -> None:
    with pytest.raises(UsageError, match="4001"):
        read_selector("a" * 4001)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_selector(text)
    except UsageError:
        return
    assert all(isinstance(one, Matcher) for one in found)


@given(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.text(max_size=20).filter(lambda text: text and "\x00" not in text))
def test_every_value_can_be_written(label: str, value: str) -> None:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    assert read_selector(f'up{{{label}="{escaped}"}}') == (Matcher(NAME, "=", "up"), Matcher(label, "=", value))
