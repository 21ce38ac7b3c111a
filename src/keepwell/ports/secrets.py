"""Secrets: named in the configuration, resolved only where they are used."""

from typing import Protocol


class Secrets(Protocol):
    """Resolves references: ``secret:NAME`` (environment), ``secret:file:PATH``, ``secret:command:PROGRAM ARGUMENTS``."""

    async def resolve(self, reference: str) -> str:
        """The value. Raises AskError (never with the value in its message) where it cannot be had."""
        ...

    def redact(self, text: str) -> str:
        """The text with every value resolved so far replaced: for whatever is stored or shown of what a target answered."""
        ...
