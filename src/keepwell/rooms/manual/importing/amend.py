"""What lint demands of an import: which findings correct an item, and which refuse it. Pure."""

from collections.abc import Sequence

from keepwell.rooms.manual.lint.model import Finding

from .model import Amendment, Found, View

RULES: tuple[str, ...] = ()


def amend(view: View, found: Found, findings: Sequence[Finding]) -> tuple[Found, tuple[Amendment, ...]]:
    """The item as it is carried in spite of what lint found in it."""
    return found, ()
