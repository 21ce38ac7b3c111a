"""From the configuration's entries to checks that can run: drivers loaded, targets found, acceptances looked up."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import BaseModel

from keepwell.config.hosts import LOCAL
from keepwell.config.targets import Target
from keepwell.kernel.problems import NotFound
from keepwell.kernel.redaction import redact_patterns
from keepwell.ports.offer import Drivers, Entry
from keepwell.rooms.checks.causes import all_needed
from keepwell.rooms.checks.model import Check, CheckOptions

SECRET_COMMAND = "secret:command:"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a text is accepted: by whom, or why not (one sentence)."""

    accepted_by: str | None
    why_not: str = ""


class Accepted(Protocol):
    """Looks up the acceptance of a check's exact text on its resolved target and host."""

    def __call__(self, name: str, text: str, target: str, host: str) -> Verdict: ...


def resolve(entries: Mapping[str, Entry], targets: Mapping[str, Target], drivers: Drivers, accepted: Accepted) -> tuple[Check, ...]:
    """The checks of a configuration that validated, in its order. Starts nothing and opens nothing."""
    depends_on = {name: target.depends_on for name, target in targets.items()}
    checks = (_resolve_one(entry, targets, drivers, accepted) for entry in entries.values())
    return tuple(replace(check, needs=all_needed(check.looks_at, depends_on)) if check.looks_at else check for check in checks)


def _resolve_one(entry: Entry, targets: Mapping[str, Target], drivers: Drivers, accepted: Accepted) -> Check:
    assert entry.kind is not None
    assert isinstance(entry.common, CheckOptions)
    driver = drivers.load(entry.kind)
    target_name = getattr(entry.options, "target", None)
    target = targets.get(target_name) if target_name else None
    host = entry.common.on or (target.on if target is not None else None) or LOCAL
    # A text of one's own names the secrets of its options already; the command behind its target's address stands below it.
    written = driver.runs_text(entry.options) if driver.runs_text is not None else ""
    fetched = _fetched_by([*([] if written else _texts(entry.options)), *_address(target, driver.target_key)])
    text = "\n".join(part for part in (written, fetched) if part)
    verdict = accepted(entry.name, text, target_address(target, driver.target_key), host) if text else Verdict(None)
    return Check(
        name=entry.name,
        kind=entry.kind,
        options=entry.common,
        driver=driver,
        settings=entry.options,
        target=target,
        needs_acceptance=text or None,
        accepted_by=verdict.accepted_by,
        waits_because=f"waiting for acceptance: {verdict.why_not}" if text and verdict.accepted_by is None else "",
        host=host,
        looks_at=target_name or "",
    )


def secret_commands(options: BaseModel) -> str:
    """The commands by which secrets of these options are fetched, one a line: they run too, so they need acceptance. Empty where none."""
    return _fetched_by(_texts(options))


def _fetched_by(texts: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(text for text in texts if text.startswith(SECRET_COMMAND)))


def _address(target: Target | None, key: str) -> tuple[str, ...]:
    """The target's address under that key, where it has one."""
    address = getattr(target, key, None) if target is not None else None
    return (address,) if isinstance(address, str) else ()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        # Only what was written: no default holds a secret, and most fields are defaults.
        yield from (text for name in value.model_fields_set for text in _texts(getattr(value, name)))
    elif isinstance(value, Mapping):
        yield from (text for part in value.values() for text in _texts(part))
    elif isinstance(value, list | tuple):
        yield from (text for part in value for text in _texts(part))


def target_address(target: Target | None, key: str = "url") -> str:
    """The target as it is resolved now: what an acceptance was given for, beside the text. Empty where a check names none.

    Without the password that an address may carry: acceptances are stored and shown."""
    return redact_patterns("".join(_address(target, key)))


def choose(checks: tuple[Check, ...], names: tuple[str, ...]) -> tuple[Check, ...]:
    """The checks of these names, in the configuration's order; all where no name is given. Raises NotFound for a name that no check has."""
    known = {check.name for check in checks}
    for name in names:
        if name not in known:
            raise NotFound(f"no check is called {name}", hint=f"the checks are: {', '.join(sorted(known)[:20]) or 'none'}")
    return tuple(check for check in checks if not names or check.name in names)
