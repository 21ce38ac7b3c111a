"""Matchers as people write them, and what they mean: ``severity=~"P0|P1"``, ``{service="api", team!=""}``.

Two syntaxes, as in Alertmanager since 0.27 ("Configuration", "Label matchers"): the newer one takes any UTF-8 and Go's escapes in quotes,
the classic one takes plain names, spaces in a value without quotes, and a backslash before anything. Where both can read a text and
disagree, or only the classic one can, that one counts.
"""

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from keepwell.kernel.patterns import Test, whole
from keepwell.kernel.quoting import quoted

from .matcher_syntax import OPERATORS, NotThisSyntax, read_newer
from .model import Labels, Matcher

Fits = Callable[[Labels], bool]
"""Whether labels fit; a label that is absent has the empty value."""

_ADVICE = 'write label="value", label!="value", label=~"pattern" or label!~"pattern"'
_CLASSIC = re.compile(r"[ \t\n\f\r]*([a-zA-Z_:][a-zA-Z0-9_:]*)[ \t\n\f\r]*(=~|=|!=|!~)[ \t\n\f\r]*(.*?)[ \t\n\f\r]*", re.DOTALL)
_LONGEST = 65_536


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """All matchers of a text, in braces or without, with commas between them. Raises ValueError with one sentence."""
    if len(text) > _LONGEST:
        raise ValueError(f"matchers of {len(text)} characters are too long: write at most {_LONGEST}")
    newer = _newer(text)
    try:
        classic = tuple(map(_classic, _tokens(text)))
    except ValueError:
        if newer is None:
            raise
        return _valid(newer)
    return _valid(classic)


def classic_matchers(text: str) -> tuple[Matcher, ...]:
    """The same, in the classic syntax only. Raises ValueError with one sentence."""
    return _valid(tuple(map(_classic, _tokens(text))))


def parse_matcher(text: str) -> Matcher:
    """One matcher. Raises ValueError with one sentence."""
    if text.startswith("{") or text.endswith("}"):
        raise ValueError(f"{quoted(text)} has braces, and one matcher has none: {_ADVICE}")
    found = parse_matchers(text)
    if len(found) != 1:
        raise ValueError(f"{quoted(text)} is not one matcher: {_ADVICE}")
    return _valid(found)[0]


@lru_cache(maxsize=4096)
def meaning_of(matcher: Matcher) -> Test:
    """The test that a matcher means for a label's value. Raises ValueError for a pattern that is no RE2 expression."""
    match matcher.operator:
        case "=":
            return matcher.value.__eq__
        case "!=":
            return matcher.value.__ne__
        case "=~":
            return whole(matcher.value, dot_fits_line_break=False)
    fits = whole(matcher.value, dot_fits_line_break=False)
    return lambda value: not fits(value)


def fits_all(matchers: Sequence[Matcher]) -> Fits:
    """The test that all matchers mean together, made once for many labels. Without matchers everything fits."""
    tests = [(matcher.label, meaning_of(matcher)) for matcher in matchers]

    def fits(labels: Labels) -> bool:
        return all(test(labels.get(label, "")) for label, test in tests)

    return fits


def fits(matchers: Sequence[Matcher], labels: Labels) -> bool:
    """Whether labels fit all matchers. Where many labels are compared with the same matchers, ``fits_all`` is cheaper."""
    return all(meaning_of(matcher)(labels.get(matcher.label, "")) for matcher in matchers)


def written(matchers: Sequence[Matcher]) -> str:
    """Matchers as Alertmanager writes them: in braces, sorted by label, value and operator, as keys of groups have them."""
    order = sorted(matchers, key=lambda one: (one.label, one.value, one.operator))
    return "{" + ",".join(map(str, order)) + "}"


def _valid(matchers: Sequence[Matcher]) -> tuple[Matcher, ...]:
    for matcher in matchers:
        meaning_of(matcher)
    return tuple(matchers)


def _newer(text: str) -> tuple[Matcher, ...] | None:
    try:
        return tuple(Matcher(*one) for one in read_newer(text))
    except NotThisSyntax:
        return None


def _tokens(text: str) -> list[str]:
    """The parts of a text between commas that stand in no quotes (the classic syntax; one comma may end it)."""
    inner = text.removeprefix("{").removesuffix("}")
    tokens, start, inside, escaped = [], 0, False, False
    for at, character in enumerate(inner):
        if character == "," and not inside:
            tokens.append(inner[start:at])
            start = at + 1
        elif character == '"' and not escaped:
            inside = not inside
        escaped = character == "\\" and not escaped
    rest = inner[start:].strip()
    return [*tokens, rest] if rest else tokens


def _classic(text: str) -> Matcher:
    found = _CLASSIC.fullmatch(text)
    if found is None:
        raise ValueError(f"{quoted(text)} is no matcher: {_ADVICE}")
    return Matcher(found[1], OPERATORS[found[2]], _classic_value(found[3]))


def _classic_value(raw: str) -> str:
    """The value without its quotes; ``\\n``, ``\\"`` and ``\\\\`` are escapes, any other backslash stands for itself."""
    inner = raw.removeprefix('"')
    is_quoted = inner != raw
    value, at = [], 0
    ended = not is_quoted
    while at < len(inner):
        character = inner[at]
        if character == "\\" and at + 1 < len(inner):
            following = inner[at + 1]
            value.append({"n": "\n", '"': '"', "\\": "\\"}.get(following, "\\" + following))
            at += 2
            continue
        if character == '"':
            if not is_quoted or at + 1 < len(inner):
                raise ValueError(f'{quoted(raw)} has a double quote inside: write \\" for it')
            ended = True
        else:
            value.append(character)
        at += 1
    if not ended:
        raise ValueError(f"{quoted(raw)} lacks its second double quote")
    return "".join(value)
