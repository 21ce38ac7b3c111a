"""The word that somebody probably meant."""

from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate most like ``word`` (difflib's ratio, at least 0.6, case ignored), or None."""
    from difflib import get_close_matches  # imported only when something is wrong

    by_lower = {candidate.lower(): candidate for candidate in sorted(candidates)}
    found = get_close_matches(word.lower()[:200], by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
