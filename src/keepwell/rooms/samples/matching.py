"""Which series a selection means: matchers on labels, as in Prometheus ("Querying basics", "Instant vector selectors")."""

import re
from collections.abc import Callable, Sequence

from keepwell.kernel.problems import Problem, Refused
from keepwell.ports.samples import Matcher

from .model import Labels

_LONGEST_PATTERN = 16_384
"""Characters. RE2 needs memory in proportion to the pattern, never time beyond the length of the text."""

_SPECIAL = re.compile(r"[\\.+*?()\[\]{}^$]")
"""What means more than itself in a pattern; a bar is looked at apart."""

Test = Callable[[str], bool]
"""Whether the value of a label is wanted; a label that a series lacks has the value ``""``."""


def meaning_of(matcher: Matcher) -> Test:
    """The test that a matcher means. Raises Refused for a pattern that is no RE2 expression, or an operator that does not exist."""
    wanted = matcher.value
    if matcher.operator == "=":
        return wanted.__eq__
    if matcher.operator == "!=":
        return wanted.__ne__
    if matcher.operator not in ("=~", "!~"):
        raise Refused(Problem("samples.operator", f"{matcher.operator} compares no labels", "Write =, !=, =~ or !~."))
    fits = _pattern(wanted)
    return fits if matcher.operator == "=~" else lambda value: not fits(value)


def fits(labels: Labels, matchers: Sequence[Matcher]) -> bool:
    """Whether one series is wanted by all matchers. For many series against the same matchers ask the index."""
    return all(meaning_of(matcher)(labels.get(matcher.label, "")) for matcher in matchers)


def _pattern(text: str) -> Test:
    fullmatch = _compiled(text)
    if not _SPECIAL.search(text):
        # Only texts, and perhaps bars between them: as dashboards write selections of several values.
        return frozenset(text.split("|")).__contains__
    prefix = _prefix(text)
    if prefix:
        return lambda value: value.startswith(prefix) and fullmatch(value) is not None
    return lambda value: fullmatch(value) is not None


def _compiled(text: str) -> Callable[[str], object]:
    import re2  # one and a half megabytes, which only those need who ask by patterns

    options = re2.Options()
    options.log_errors = False
    # As in Prometheus since 3.0: a dot fits a line break too.
    options.dot_nl = True
    if len(text) > _LONGEST_PATTERN:
        raise Refused(Problem("samples.pattern", f"a pattern has {len(text)} characters", f"Write at most {_LONGEST_PATTERN}."))
    try:
        fullmatch: Callable[[str], object] = re2.compile(text, options).fullmatch
    except re2.error as error:
        said = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise Refused(
            Problem("samples.pattern", f"{text[:200]} is no RE2 expression: {said[:200]}", "See RE2's page on syntax.")
        ) from error
    except UnicodeEncodeError as error:
        raise Refused(Problem("samples.pattern", "a pattern is not valid UTF-8", "Write it anew.")) from error
    return fullmatch


def _prefix(text: str) -> str:
    """What every text that fits begins with: looking at that first is fifty times cheaper than asking RE2."""
    special = _SPECIAL.search(text)
    if special is None or "|" in text:
        return ""
    # What may be repeated no time is not certain to be there.
    return text[: special.start() - 1] if special.group() in "*?{" and special.start() else text[: special.start()]
