"""What docker prints about containers, as values. Each line is one JSON object, of the templates that stand here."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from keepwell.kernel.problems import AnswerError
from keepwell.kernel.sizes import parse_size

from .texts import show

INSPECT = (
    '{"id":{{json .ID}},"name":{{json .Name}},"state":{{json .State.Status}},"exit":{{json .State.ExitCode}},'
    '"oom":{{json .State.OOMKilled}},"started":{{json .State.StartedAt}},"finished":{{json .State.FinishedAt}},'
    '"restarts":{{json .RestartCount}},"image":{{json .Image}},"tag":{{json .Config.Image}},'
    '"health":{{with .State.Health}}{{json .Status}}{{else}}null{{end}}}'
)
"""The template of ``docker inspect`` for a container."""

IMAGE = '{"id":{{json .ID}},"created":{{json .Created}}}'
"""The template of ``docker image inspect``."""

_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})")
_PERCENT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)%")
_NEVER = 0.0


@dataclass(frozen=True, slots=True)
class Container:
    """One container. Instants are seconds since 1970, None where there is none; ``health`` is None where it has no health check."""

    identity: str
    name: str
    state: str
    exit_code: int
    out_of_memory: bool
    started: float | None
    finished: float | None
    restarts: int
    image: str
    health: str | None


@dataclass(frozen=True, slots=True)
class Use:
    """What a container uses now: processors (1 is one of them), bytes, and the bytes that it may use."""

    cpu: float
    memory: float
    limit: float


def objects(text: str, asked: str) -> list[dict[str, Any]]:
    """The JSON objects of the lines. Raises AnswerError where a line is none."""
    return list(_objects(text, asked))


def _objects(text: str, asked: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise AnswerError(f"{asked} gave no usable answer: {show(line)}")
        yield value


def container(given: dict[str, Any]) -> Container:
    """One container of ``docker inspect``. Raises AnswerError where something is missing or of another type."""
    texts = [given.get(key) for key in ("id", "name", "state", "image")]
    numbers = [given.get(key) for key in ("exit", "restarts")]
    if not all(isinstance(text, str) and text for text in texts) or not all(type(number) is int for number in numbers):
        raise AnswerError(f"docker inspect gave no usable answer: {show(json.dumps(given))}")
    identity, name, state, image = map(str, texts)
    health = given.get("health")
    return Container(
        identity=identity,
        name=name.removeprefix("/"),
        state=state[:40],
        exit_code=_within(numbers[0]),
        out_of_memory=given.get("oom") is True,
        started=instant(given.get("started")),
        finished=instant(given.get("finished")),
        restarts=_within(numbers[1]),
        image=image,
        health=health[:40] if isinstance(health, str) and health != "none" else None,
    )


def use(given: dict[str, Any]) -> tuple[str, Use]:
    """The number of a container and what it uses, of ``docker stats``. Raises AnswerError where that cannot be read."""
    used, _, limit = str(given.get("MemUsage", "")).partition(" / ")
    percent = _PERCENT.fullmatch(str(given.get("CPUPerc", "")))
    identity = given.get("ID")
    try:
        if percent is None or not isinstance(identity, str):
            raise ValueError
        return identity, Use(float(percent[1]) / 100, float(parse_size(used)), float(parse_size(limit)))
    except ValueError:
        raise AnswerError(f"docker stats gave no usable answer: {show(json.dumps(given))}") from None


def instant(value: Any) -> float | None:
    """An instant as docker writes it (RFC 3339), in seconds since 1970; None for none and for the year 1, which means never."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        at = datetime.fromisoformat(match[1] + match[2].replace("Z", "+00:00"))
        seconds = at.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > _NEVER else None


def _within(number: Any) -> int:
    return max(-(2**31), min(int(number), 2**53))
