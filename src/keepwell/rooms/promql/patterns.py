"""Regular expressions of the language: RE2, matching a whole value, with a bound on what they may cost."""

from functools import lru_cache
from typing import Any

import re2

LONGEST = 10_000
"""Characters of one pattern."""
MEMORY = 8 << 20
"""Bytes that a compiled pattern may take."""


class PatternError(ValueError):
    """The text is no regular expression, or one that costs too much."""


@lru_cache(maxsize=256)
def compiled(pattern: str) -> Any:
    """The pattern as RE2 compiles it; ``.`` matches a line's end too, as in Prometheus. Raises PatternError with RE2's own reason."""
    if len(pattern) > LONGEST:
        raise PatternError(f"the regular expression has {len(pattern)} characters; it may have {LONGEST}")
    options = re2.Options()
    options.max_mem = MEMORY
    options.log_errors = False
    options.dot_nl = True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise PatternError(f"error parsing regexp: {reason}: `{pattern[:200]}`") from None
