"""Regular expressions that must fit a whole text: RE2 (https://github.com/google/re2/wiki/Syntax), whose time grows with the text only.

Prometheus and Alertmanager use Go's regexp package, which has the same syntax.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from .quoting import quoted

LONGEST = 16_384
"""Characters of one pattern. RE2 needs memory in proportion to the pattern."""

_SPECIAL = re.compile(r"[\\.+*?()\[\]{}^$]")
"""What means more than itself in a pattern; a bar is looked at apart."""

Test = Callable[[str], bool]


@lru_cache(maxsize=4096)
def whole(pattern: str, *, dot_fits_line_break: bool) -> Test:
    """The test whether a text as a whole fits. Raises ValueError with one sentence where the pattern is no regular expression.

    Prometheus since 3.0 lets a dot fit a line break; Alertmanager does not.
    """
    fullmatch = _compiled(pattern, dot_fits_line_break)
    if not _SPECIAL.search(pattern):
        # Only texts, and perhaps bars between them: as people write selections of several values.
        return frozenset(pattern.split("|")).__contains__
    prefix = _prefix(pattern)
    if prefix:
        return lambda value: value.startswith(prefix) and fullmatch(value) is not None
    return lambda value: fullmatch(value) is not None


def _compiled(pattern: str, dot_fits_line_break: bool) -> Callable[[str], object]:
    import re2  # one and a half megabytes, which only those need who have patterns

    options = re2.Options()
    options.log_errors = False
    options.dot_nl = dot_fits_line_break
    if len(pattern) > LONGEST:
        raise ValueError(f"a pattern has {len(pattern)} characters: write at most {LONGEST}")
    try:
        fullmatch: Callable[[str], object] = re2.compile(pattern, options).fullmatch
    except re2.error as error:
        said = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{quoted(pattern, 200)} is no RE2 expression: {said[:200]}") from None
    except UnicodeEncodeError:
        raise ValueError("a pattern is not valid UTF-8: write it anew") from None
    return fullmatch


def _prefix(pattern: str) -> str:
    """What every text that fits begins with: looking at that first is fifty times cheaper than asking RE2."""
    special = _SPECIAL.search(pattern)
    if special is None or "|" in pattern:
        return ""
    # What may be repeated no time is not certain to be there.
    return pattern[: special.start() - 1] if special.group() in "*?{" and special.start() else pattern[: special.start()]
