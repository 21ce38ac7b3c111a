"""Blocks of JSON that show what the health endpoint answers."""

import json
import re
from collections.abc import Iterator

from keepwell.rooms.manual.model import Expected, Fence, Found, Left

_WORD = re.compile(r"[A-Za-z][\w-]{0,63}", re.ASCII)
_HEADING = re.compile(r"\bexpected\b|\bhealthy\b|\bhealth[ -](?:check )?response", re.I)
_LANGUAGES = {"json", "jsonc", "json5"}


def read_expected(fence: Fence) -> Iterator[Found]:
    """Conditions from a JSON block below a heading that speaks of an expected response: the words ``status`` and ``services.*``.

    Numbers and times change from one answer to the next, so nothing is expected of them.
    """
    if fence.language not in _LANGUAGES or not _HEADING.search(fence.heading):
        return
    text = f"{fence.heading} (JSON)"
    lines = [line for line in fence.content.split("\n") if not line.lstrip().startswith("//")]
    try:
        value = json.loads("\n".join(lines))
    except (ValueError, RecursionError):
        yield Left(fence.line, text, "it is not valid JSON")
        return
    conditions = _conditions(value) if isinstance(value, dict) else {}
    yield (
        Expected(fence.line, text, conditions) if conditions else Left(fence.line, text, "it holds neither a status nor services to expect")
    )


def _conditions(value: dict[str, object]) -> dict[str, str]:
    services = value.get("services")
    pairs = [("json.status", value.get("status"))]
    pairs += (
        [(f"json.services.{key}", word) for key, word in services.items() if _WORD.fullmatch(key)] if isinstance(services, dict) else []
    )
    return {key: word for key, word in pairs if isinstance(word, str) and _WORD.fullmatch(word)}
