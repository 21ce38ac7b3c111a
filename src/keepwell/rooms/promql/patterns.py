"""Matchers, and regular expressions of the language: RE2, matching a whole value, with a bound on what they may cost."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from keepwell.ports.samples import Matcher

LONGEST = 10_000
"""Characters of one pattern."""
MEMORY = 8 << 20
"""Bytes that a compiled pattern may take."""


class PatternError(ValueError):
    """The text is no regular expression, or one that costs too much."""


@lru_cache(maxsize=256)
def compiled(pattern: str, *, dot_matches_newline: bool = True) -> Any:
    """The pattern as RE2 compiles it; ``.`` matches a line's end too, as in matchers of Prometheus. Raises PatternError with RE2's own
    reason."""
    import re2  # one and a half megabytes, which only those need who ask by patterns

    if len(pattern) > LONGEST:
        raise PatternError(f"the regular expression has {len(pattern)} characters; it may have {LONGEST}")
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    options.dot_nl = dot_matches_newline
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise PatternError(f"error parsing regexp: {reason}: `{pattern[:200]}`") from None


def fits(matcher: Matcher, labels: Mapping[str, str]) -> bool:
    """Whether the labels are what the matcher asks for; one that is not there is empty. Raises PatternError."""
    value = labels.get(matcher.label, "")
    match matcher.operator:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
        case "=~":
            return compiled(matcher.value).fullmatch(value) is not None
        case _:
            return compiled(matcher.value).fullmatch(value) is None
