"""The values of logs: what a policy says, which files there are, and what was done to them."""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Owner:
    """The mode, and the user and group by name or number, of a file that is made (``644 shop adm``); empty: as the file before had them."""

    mode: int | None = None
    user: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Rotate:
    """How the files of a policy are rotated.

    ``every`` is a cadence in words, ``size`` and ``at_least`` are bytes. ``pack_after`` is how many of the newest rotated files stay as
    they are (None: all). ``keep`` is how many rotated files stay at all. ``archive`` is their folder (empty: beside the file). ``signal``
    is sent to who still writes to a renamed file (or to the process of ``pid_file``); ``then`` is a shell's text that makes the writer open
    its files anew, ``first`` one that runs before. ``copies`` is why the file is copied and cut instead (``true``: without a reason).
    ``release`` is how long to wait for the writer to let go.
    """

    every: str = ""
    zone: str = "UTC"
    size: int | None = None
    at_least: int = 0
    keep: int | None = None
    max_age: timedelta | None = None
    pack_after: int | None = None
    create: Owner | None = None
    archive: str = ""
    signal: str = ""
    pid_file: str = ""
    then: str = ""
    first: str = ""
    copies: str = ""
    release: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Clean:
    """Files to delete: below the folder ``under``, whose name fits the pattern ``names`` and that nobody changed for ``older_than``."""

    under: str
    names: str
    older_than: timedelta


@dataclass(frozen=True, slots=True)
class Question:
    """A question to one log file and what was rotated of it.

    ``ask`` is search, count, top, statistics or show. A line counts where it fits all of ``patterns`` and none of ``without``, and where
    it is not older than ``over`` (None: whatever its age). ``by`` says what lines are counted by, ``figure`` the label of the number that
    is computed with, ``last`` how many lines or groups are given.
    """

    name: str
    path: str
    ask: str
    patterns: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    by: str = ""
    figure: str = ""
    last: int = 0
    over: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """What is counted while a log grows: lines that fit one of the patterns. ``path`` is the file; empty: every file of the policy."""

    name: str
    patterns: tuple[str, ...]
    path: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is said of one group of log files."""

    name: str
    paths: tuple[str, ...]
    zone: str = "UTC"
    rotate: Rotate | None = None
    clean: tuple[Clean, ...] = ()
    questions: tuple[Question, ...] = ()
    watches: tuple[Watch, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Identity:
    """Which file it is, whatever it is called: device and inode."""

    device: int
    inode: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a file open for writing. ``catches`` are the signals that it has a handler for (a bit each, signal 1 lowest)."""

    pid: int
    name: str
    catches: int

    def __str__(self) -> str:
        return f"{self.name or 'a process'} ({self.pid})"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done to a file, for the journal: ``rotated``, ``packed``, ``dropped``, ``deleted``, ``kept``, ``failed``;
    and why."""

    did: str
    path: str
    became: str = ""
    size: int = 0
    why: str = ""


@dataclass(slots=True)
class Tally:
    """What a piece of work did so far, and what it could not do; ``refused`` where nothing was done for that."""

    steps: list[Step] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    refused: bool = False

    def count(self, did: str) -> int:
        """How many steps of one kind there are."""
        return sum(1 for step in self.steps if step.did == did)

    def bytes(self, did: str) -> int:
        """The bytes of the steps of one kind."""
        return sum(step.size for step in self.steps if step.did == did)
