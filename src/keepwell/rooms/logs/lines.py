"""Regular expressions over lines: RE2 (https://github.com/google/re2/wiki/Syntax), whose time grows with the line only.

Arrow brings the same engine, so what is counted live and what is asked later mean the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that is one."""

    text: str


def pattern(text: str) -> Pattern:
    """The pattern of that text. Raises ValueError, with the engine's own reason, where it is none."""
    test(text)
    return Pattern(text)


@lru_cache(maxsize=1024)
def test(text: str) -> Callable[[bytes], bool]:
    """The test whether it is found anywhere in a line. What is no UTF-8 in the line is no letter. Raises ValueError."""
    import re2  # one and a half megabytes, which only those need who have patterns

    if len(text) > LONGEST:
        raise ValueError(f"a pattern has {len(text)} characters: write at most {LONGEST}")
    options = re2.Options()
    options.log_errors = False
    try:
        search = re2.compile(text, options).search
    except re2.error as error:
        said = error.args[0].decode("utf-8", "replace") if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"this is no regular expression (RE2): {said[:200]}") from None
    except UnicodeEncodeError:
        raise ValueError("a pattern is not valid UTF-8: write it anew") from None
    return lambda line: search(line) is not None
