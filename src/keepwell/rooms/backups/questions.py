"""Regular expressions that are searched in what was restored: RE2 (https://github.com/google/re2/wiki/Syntax), linear in the text."""

from collections.abc import Callable

from keepwell.kernel.quoting import quoted


def searcher(pattern: str) -> Callable[[bytes], bool]:
    """The test whether a text holds what the pattern says. Raises ValueError with one sentence where it is no regular expression."""
    import re2  # one and a half megabytes, which only those need who ask so

    options = re2.Options()
    options.log_errors = False
    try:
        search: Callable[[bytes], object] = re2.compile(pattern.encode(), options).search
    except re2.error:
        raise ValueError(f"{quoted(pattern, 200)} is no RE2 expression") from None
    except UnicodeEncodeError:
        raise ValueError("a pattern is not valid UTF-8: write it anew") from None
    return lambda text: search(text) is not None
