"""Regular expressions that are searched in what was restored: RE2 (https://github.com/google/re2/wiki/Syntax), linear in the text.

``^`` and ``$`` are those of a line, as for grep.
"""

from collections.abc import Callable
from mmap import mmap

from keepwell.kernel.quoting import quoted


def searcher(pattern: str) -> Callable[[bytes | mmap], bool]:
    """The test whether a text holds what the pattern says. Raises ValueError with one sentence where it is no regular expression."""
    import re2  # one and a half megabytes, which only those need who ask so

    options = re2.Options()
    options.log_errors = False
    try:
        search: Callable[[bytes | mmap], object] = re2.compile(b"(?m)" + pattern.encode(), options).search
    except re2.error:
        raise ValueError(f"{quoted(pattern, 200)} is no RE2 expression") from None
    except UnicodeEncodeError:
        raise ValueError("a pattern is not valid UTF-8: write it anew") from None
    return lambda text: search(text) is not None
