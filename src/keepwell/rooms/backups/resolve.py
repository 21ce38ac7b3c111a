"""From the configuration's entries to backups that can run: drivers loaded, repositories found, acceptances looked up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from keepwell.kernel.zones import find_zone
from keepwell.ports.offer import Drivers, Entry
from keepwell.ports.work import Recurring, Work

from .decide import Keep
from .engine import Place
from .options import BackupOptions, KeepOptions, ProveOptions, RepositoryOptions
from .source import Source


class WhyNot(Protocol):
    """Says of a text that runs only when accepted why it may not; empty where it may."""

    def __call__(self, name: str, text: str, /) -> str: ...


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup as it runs. ``why_not``: why nothing can be copied (a sentence; empty where it can). ``place`` is where copies lie, and
    ``opens`` why the identity that opens them may not be fetched. ``waits`` has, by the name of each accepted text of its proof, why it may
    not run."""

    name: str
    options: BackupOptions
    kind: str
    source: Source | None
    settings: Any
    repository: str
    place: Place | None
    keep: Keep
    why_not: str = ""
    opens: str = ""
    waits: Mapping[str, str] = field(default_factory=dict)

    @property
    def prove(self) -> ProveOptions:
        """How it is proved."""
        return self.options.prove or ProveOptions()


@dataclass(frozen=True, slots=True)
class Kinds:
    """The drivers of both sections."""

    sources: Drivers
    engines: Drivers


def resolve(backups: Mapping[str, Entry], repositories: Mapping[str, Entry], kinds: Kinds, why_not: WhyNot) -> dict[str, Backup]:
    """The backups of a configuration that validated, in its order. Starts nothing and opens nothing."""
    return {name: _one(entry, repositories, kinds, why_not) for name, entry in backups.items()}


def _one(entry: Entry, repositories: Mapping[str, Entry], kinds: Kinds, why_not: WhyNot) -> Backup:
    options: BackupOptions = entry.common
    source: Source | None = kinds.sources.load(entry.kind) if entry.kind else None
    repository = repositories.get(options.to) if options.to else None
    place, fault = _place(repository, kinds, options)
    fetched = place.identity if place is not None and place.identity.startswith("secret:command:") else ""
    return Backup(
        name=entry.name,
        options=options,
        kind=entry.kind or "",
        source=source,
        settings=entry.options,
        repository=options.to or "",
        place=place,
        keep=_keep(options, repository),
        why_not=_no_source(entry, source) or fault,
        opens=why_not(f"repositories/{options.to}/identity", fetched) if fetched else "",
        waits={name: why for name, text in texts_of(entry.name, options) if (why := why_not(name, text))},
    )


def _no_source(entry: Entry, source: Source | None) -> str:
    if source is None:
        return "nobody said what is copied: write below it what it is of, such as files: {paths: [...]}"
    return "" if source.seen is not None else f"this version makes no backups of the kind {entry.kind}"


def _place(repository: Entry | None, kinds: Kinds, options: BackupOptions) -> tuple[Place | None, str]:
    if repository is None:
        return None, "nobody said where its copies are kept: write to: and the name of a repository"
    if repository.kind is None:
        return None, f"nobody said where the repository {options.to} is: write archive: {{path: ...}} below it"
    place = kinds.engines.load(repository.kind).place(repository.options)
    return (None, place) if isinstance(place, str) else (place, "")


def _keep(options: BackupOptions, repository: Entry | None) -> Keep:
    kept = options.keep
    if kept == KeepOptions() and repository is not None:
        common: RepositoryOptions = repository.common
        kept = common.keep or kept
    return Keep(find_zone(options.zone), kept.last, kept.days, kept.daily, kept.weekly, kept.monthly, kept.yearly)


def texts_of(name: str, options: BackupOptions) -> list[tuple[str, str]]:
    """The texts of a backup's proof that run only when accepted, each with its name."""
    if options.prove is None:
        return []
    asked = [(f"{question_name(name, number)}", one.command) for number, one in enumerate(options.prove.questions, 1)]
    start = options.prove.start
    return [(one, text) for one, text in (*asked, (start_name(name), start.run if start else None)) if text]


def question_name(backup: str, number: int) -> str:
    """Under which name the command of a question is accepted."""
    return f"backups/{backup}/question-{number}"


def start_name(backup: str) -> str:
    """Under which name the command is accepted that starts the service from the copy."""
    return f"backups/{backup}/start"


def recurring(backups: Mapping[str, Entry], repositories: Mapping[str, Entry], kinds: Kinds) -> list[Recurring]:
    """What recurs by these entries: each backup that can be made, and its proof."""
    found: list[Recurring] = []
    for name, backup in resolve(backups, repositories, kinds, lambda name, text: "").items():
        options = backup.options
        if backup.why_not:
            continue
        if options.every:
            found.append(Recurring(f"backups/{name}", Work("backup", name), options.every, options.zone))
        if options.prove is not None and options.prove.every:
            zone = options.prove.zone or options.zone
            found.append(Recurring(f"proofs/{name}", Work("proof", name), options.prove.every, zone))
    return found
