"""The routes of rules: how they stand, and their thresholds, changed while Keepwell runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request

from keepwell.ports.offer import Query, Route

from .thresholds import Difference, in_force, without_rule
from .thresholds_store import Version
from .work.thresholds import Thresholds, Wish

READ, WRITE = "alerts.read", "alerts.write"

_BASE = "/api/v1/alerts"
_CONFIG = f"{_BASE}/config"
_STRICT = ConfigDict(frozen=True, extra="forbid")

LARGEST_NUMBER = 2**63 - 1
"""What a number in a database can be."""

Values = dict[str, bool | float | str | None]


class Wanted(BaseModel):
    """Thresholds by group and rule: a number in the base unit, or text with its unit; null is what the file says. ``version`` is the one
    that was looked at: where another is in force by now, nothing is changed. ``reason`` is kept."""

    model_config = _STRICT

    rules: dict[str, dict[str, Values]]
    version: int | None = None
    reason: str = Field(default="", max_length=1000)


class Reverting(BaseModel):
    """The version whose values are taken again; 0 are those of the file."""

    model_config = _STRICT

    to: int = Field(ge=0, le=LARGEST_NUMBER)
    version: int | None = None
    reason: str = Field(default="", max_length=1000)


class VersionsAsked(BaseModel):
    """Which page of the versions."""

    model_config = _STRICT

    limit: int = Field(default=50, ge=1, le=1000)
    before: int | None = Field(default=None, ge=1, le=LARGEST_NUMBER)


class DiffAsked(BaseModel):
    """Which two versions; 0 is the file alone."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    first: int = Field(alias="from", ge=0)
    last: int = Field(alias="to", ge=0)


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the routes ask: the thresholds, the rules as they stand, and who asks."""

    thresholds: Thresholds
    listed: Callable[[], Iterable[Mapping[str, Any]]]
    caller: Callable[[Request], str]


def routes(verbs: Verbs) -> tuple[Route, ...]:
    """All of them."""
    thresholds = verbs.thresholds

    async def rules() -> dict[str, Any]:
        return {"rules": list(verbs.listed())}

    async def config() -> dict[str, Any]:
        return told(thresholds)

    async def replace(request: Request, wanted: Wanted) -> dict[str, Any]:
        changes = await thresholds.replace(wanted.rules, Wish(verbs.caller(request), wanted.reason, wanted.version))
        return {**told(thresholds), "changes": told_changes(changes)}

    async def amend(request: Request, wanted: Wanted) -> dict[str, Any]:
        changes = await thresholds.amend(wanted.rules, Wish(verbs.caller(request), wanted.reason, wanted.version))
        return {**told(thresholds), "changes": told_changes(changes)}

    async def revert(request: Request, wanted: Reverting) -> dict[str, Any]:
        changes = await thresholds.revert(wanted.to, Wish(verbs.caller(request), wanted.reason, wanted.version))
        return {**told(thresholds), "changes": told_changes(changes)}

    async def versions(asked: Annotated[VersionsAsked, Query()]) -> dict[str, Any]:
        found = await thresholds.versions(asked.limit, asked.before)
        return {"versions": [{**told_version(version), "changes": told_changes(changes)} for version, changes in found]}

    async def diff(asked: Annotated[DiffAsked, Query()]) -> dict[str, Any]:
        changes = await thresholds.between(asked.first, asked.last)
        return {"from": asked.first, "to": asked.last, "changes": told_changes(changes)}

    return (
        Route("GET", f"{_BASE}/rules", READ, rules, "Rules of the configuration, and how they stand"),
        Route("GET", _CONFIG, READ, config, "Thresholds in force, by group and rule, beside what the file says"),
        Route("PUT", _CONFIG, WRITE, replace, "Set thresholds; those that are not named become again what the file says"),
        Route("PATCH", _CONFIG, WRITE, amend, "Change the thresholds that are named, and nothing else"),
        Route("GET", f"{_CONFIG}/versions", READ, versions, "Versions of the thresholds, newest first, each with what it changed"),
        Route("GET", f"{_CONFIG}/diff", READ, diff, "What lies between two versions of the thresholds"),
        Route("POST", f"{_CONFIG}/revert", WRITE, revert, "Take the thresholds of an earlier version again, as a new version"),
    )


def told(thresholds: Thresholds) -> dict[str, Any]:
    """The thresholds in force (``rules``), what the file says (``file``), what was changed (``overrides``), and the version."""
    rules, changed = thresholds.rules, thresholds.changed
    limits = {
        f"{rule.group}/{rule.name}": {key: {"operator": limit.operator, "unit": limit.unit.value} for key, limit in rule.limits.items()}
        for rule in rules
        if rule.limits
    }
    return {
        "version": thresholds.number,
        "changed": told_version(thresholds.newest) if thresholds.newest is not None else None,
        "rules": in_force(rules, changed),
        "file": in_force(rules, {}),
        "overrides": {f"{group}/{name}": dict(values) for (group, name), values in sorted(changed.items())},
        "without_rule": without_rule(rules, changed),
        "comparisons": limits,
    }


def told_version(version: Version) -> dict[str, Any]:
    """A version without its content."""
    return {"version": version.number, "at": version.at, "by": version.by, "reason": version.reason, "reverts": version.reverts}


def told_changes(changes: Sequence[Difference]) -> list[dict[str, Any]]:
    """Each change with its sentence; null is what the file says."""
    return [
        {"group": one.group, "name": one.name, "key": one.key, "before": one.before, "after": one.after, "sentence": one.sentence}
        for one in changes
    ]
