"""Foreign text as it may stand in a sentence: short, on one line, without control characters."""

LONGEST = 40
"""Characters of foreign text that a message repeats."""


def quoted(text: str, longest: int = LONGEST) -> str:
    """The text in double quotes: at most ``longest`` characters of it, with everything unprintable written as an escape."""
    shown = text if len(text) <= longest else text[:longest] + "…"
    if shown.isprintable() and '"' not in shown and "\\" not in shown:
        return f'"{shown}"'
    escaped = "".join(_visible(character) for character in shown)
    return f'"{escaped}"'


def _visible(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
