"""The words of an import: what is recognised in an item of the manual, and what becomes of the item."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from keepwell.rooms.manual.reading.model import Fence, Item, Kind, Manual
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand, Word


class Fate(StrEnum):
    """What an item becomes."""

    CHECK = "check"
    """It looks at something and can be judged."""
    RULE = "rule"
    """It compares a measured figure with a limit, or says when somebody is to be told."""
    TASK = "task"
    """It says that work recurs, and when."""
    STEP = "runbook step"
    """It does something, or looks without judging, as a part of a procedure."""
    CHECKLIST = "checklist"
    """A person does it."""
    BACKUP = "backup"
    """It makes, keeps, verifies or prunes a copy."""
    LOGS = "log policy"
    """It rotates, keeps, watches or analyses logs."""
    OBJECTIVE = "objective"
    """It promises a figure over time: recovery time and point, availability, a target."""
    SEVERITY = "severity policy"
    """It says how bad a kind of incident is and how fast to answer."""
    CONTACT = "contact"
    """It says who is to be told."""
    WINDOW = "window"
    """It says when work may be done."""
    TEMPLATE = "template"
    """It is text to be filled in and sent or filed."""
    EXAMPLE = "configuration example"
    """It is configuration of something else, or what an answer looks like."""
    NARRATIVE = "narrative"
    """It explains. Never a command."""
    UNRECOGNISED = "unrecognised"
    """Nobody knows what to make of it."""


class Disposition(StrEnum):
    """How an item fared."""

    CARRIED = "carried"
    """It means in Keepwell what it means in the manual."""
    CORRECTED = "corrected"
    """It is wrong as written; what stands instead, and why, is shown."""
    REFUSED = "refused"
    """It is too dangerous as written; what to do instead is said."""
    MISSING = "missing"
    """It waits for a value, a file or a script that nobody supplied; it is named."""
    HUMAN = "human"
    """A person does it."""


class Wanting(StrEnum):
    """What kind of thing is missing."""

    VALUE = "value"
    """A value to fill in once: a host name, a bucket. ``keepwell fill`` asks for it."""
    SECRET = "secret"
    """A value that nobody may read: a token, a password, a webhook's address."""
    ARGUMENT = "argument"
    """A value that each run has anew: an attacker's address, the name of a backup file. It is asked for when the step is run."""
    SCRIPT = "script"
    """A program that the manual calls and does not contain."""
    FILE = "file"
    """A file that the manual uses and does not contain."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that nobody supplied. ``name`` identifies it (``YOURDOMAIN_COM``, ``backup.sh``), ``written`` is how the manual writes it,
    ``asks`` a question or sentence for a person, ``form`` what a value must look like (host, url, word, path, email, text)."""

    name: str
    wanting: Wanting
    written: str
    asks: str
    form: str = "text"


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """A check to be. ``kind`` is one of those in rooms/checks/kinds and ``settings`` are its options; an http check that asks a path of a
    service has the address in ``base`` and leaves ``target`` and ``url`` out. ``name`` is what to call it (empty: made from its settings).
    ``measures`` are the figures that it can bear limits for (``response time``, ``memory``, ``cpu``, ``disk``, ``connections``)."""

    kind: str
    settings: Mapping[str, Any]
    base: str = ""
    name: str = ""
    every: str = ""
    measures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitDraft:
    """Limits for a figure: ``warn`` and ``fail`` are comparisons as a check writes them (``> 100ms``, ``> 80%``, ``> 200MB``).

    Where a check measures the figure it bears them; else they become a rule. ``subject`` narrows it down where the manual does
    (``database``). ``over`` is how long it must hold (``5m``) - with it, it is a rule."""

    metric: str
    warn: str = ""
    fail: str = ""
    subject: str = ""
    over: str = ""
    severity: str = ""
    action: str = ""
    words: str = ""
    """The whole condition as a rule's ``when`` says it, for what no check bears: ``error rate > 10% for 5m``."""


@dataclass(frozen=True, slots=True)
class ExpectDraft:
    """What a check expects. ``path`` is the path of the http check that expects it; empty: the primary health check."""

    conditions: Mapping[str, Any]
    path: str = ""


@dataclass(frozen=True, slots=True)
class EntryDraft:
    """An entry of any other section of keepwell.yaml (``objectives``, ``windows``, ``contacts``, ``logs``, ``backups``, ``repositories``,
    ``incidents.severities``), as keepwell.sketch.yaml writes it. Entries with the same name are merged."""

    section: str
    name: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """Work that recurs. ``every`` is a cadence as kernel.cadences reads it. What is run: ``script`` (a file by its name), or the runbook of
    the section whose title is nearest to ``title``; with neither, the runbook of the item's own section."""

    every: str
    title: str = ""
    script: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)


Draft = CheckDraft | LimitDraft | ExpectDraft | EntryDraft | TaskDraft


@dataclass(frozen=True, slots=True)
class Found:
    """What a recogniser says of an item.

    ``capabilities`` are one or two words of capabilities.py, the better first. ``operation`` names what the command does where every
    word of it was understood (``http.get``, ``systemd.restart``, ``postgres.vacuum``): it is then typed, else it stays shell. ``reason``
    says why it is not carried plainly, or what to know.
    """

    fate: Fate
    capabilities: tuple[str, ...] = ()
    operation: str = ""
    drafts: tuple[Draft, ...] = ()
    disposition: Disposition = Disposition.CARRIED
    reason: str = ""
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class Amendment:
    """What lint demanded: the rule, the text before and after (``after`` empty where it is refused), and one sentence: why, or what to do
    instead. ``where`` is where the new text stands: in place of the old (``text``), at the ``head`` of the script, or ``elsewhere`` (the
    operation that carries the item is right by itself; ``after`` describes it)."""

    rule: str
    before: str
    after: str
    reason: str
    where: str = "text"


@dataclass(frozen=True, slots=True)
class View:
    """An item with what a recogniser may look at. ``pipeline`` are the commands of a command, cron entry or ``x=$(...)``; those that only
    write text for the next one (``echo | openssl``) are among them. ``values`` are what ``keepwell fill`` was told, by name."""

    manual: Manual
    item: Item
    pipeline: tuple[ShellCommand, ...] = ()
    script: Script | None = None
    fence: Fence | None = None
    cadence: str = ""
    """Of the sections around it, as kernel.cadences reads it (``daily``, ``first Monday``); empty where none says so."""
    comment: str = ""
    """The comment directly above it."""
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The title of its innermost section."""
        return self.item.section[-1] if self.item.section else ""

    @property
    def words(self) -> str:
        """Its sections' titles and the comment above it, in small letters: what it is about."""
        return " > ".join((*self.item.section, self.comment)).lower()

    def text(self, word: Word) -> str | None:
        """A word with the constants of its script filled in; None where it is known only at run time."""
        if word.text is not None:
            return word.text
        filled = word.raw.strip("\"'")
        for name in word.variables:
            constant = self.values.get(name) or (self.script.value_of(name) if self.script else None)
            if constant is None:
                return None
            filled = filled.replace("${" + name + "}", constant).replace(f"${name}", constant)
        return None if "$" in filled or "`" in filled else filled


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One kind of thing that import knows. It is asked for items of ``kinds``; of commands only where one of ``programs`` is in the
    pipeline (in the order of the pipeline). The first that finds something decides; those of lower ``order`` are asked first."""

    name: str
    kinds: tuple[Kind, ...]
    read: Callable[[View], Found | None]
    programs: tuple[str, ...] = ()
    order: int = 50
    example: str = ""
    """A small Markdown manual, for the documentation and the tests."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """An item and what became of it. ``place`` is where it stands now: a key of keepwell.yaml (``checks.health``) or a runbook and its step
    (``runbooks/weekly.md#rotate-logs``); empty where nothing carries it."""

    item: Item
    found: Found
    place: str = ""
    amendments: tuple[Amendment, ...] = ()
