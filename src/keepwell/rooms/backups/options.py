"""The keys of an entry of ``backups`` and of ``repositories``, whatever their kind."""

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from keepwell.config.options import CadenceText, Duration, Limit, Options, Percentage, Reference, ZoneName
from keepwell.kernel.cadences import parse_cadence
from keepwell.kernel.comparisons import Unit
from keepwell.kernel.quoting import quoted

Whole = Annotated[int, Field(ge=1, le=10_000)]


class KeepOptions(Options):
    """Which copies are kept; one that any of these keeps, stays. Without any of them every copy is kept. The newest copy, and the newest
    that was proven, always stay."""

    last: Whole | None = None
    """So many of the newest copies."""
    days: Whole | None = None
    """Every copy of so many days."""
    daily: Whole | None = None
    """The last copy of each of so many days, weeks, months or years (of those that have one)."""
    weekly: Whole | None = None
    """The last copy of each of so many weeks, which begin on Monday."""
    monthly: Whole | None = None
    """The last copy of each of so many months."""
    yearly: Whole | None = None
    """The last copy of each of so many years."""


class QuestionOptions(Options):
    """A question to the restored copy; exactly one of files, size, text and command."""

    files: str | None = None
    """How many files there are whose path, from the root as in the backup, fits this pattern, such as /etc/shop/*.conf; expect says how
    many there must be."""
    size: str | None = None
    """How large this file is; expect says how large it must be."""
    text: str | None = None
    """A file that must hold what holds says."""
    holds: str | None = None
    """A regular expression (RE2) that must be found in the file, or in what the command prints; ^ and $ are those of a line."""
    command: str | None = None
    """A command for bash, which must end with status 0. $KEEPWELL_RESTORED is the folder into which the copy was restored. It runs only
    after a person accepted it."""
    expect: Limit | None = None
    """What the number must be, such as ">= 1" or "> 1kB"."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        asked = [name for name in ("files", "size", "text", "command") if getattr(self, name) is not None]
        if len(asked) != 1:
            raise ValueError("a question has exactly one of files, size, text and command")
        if asked[0] in ("files", "size") and (self.expect is None or self.holds is not None):
            raise ValueError(f'{asked[0]} needs expect, such as expect: ">= 1", and no holds')
        if asked[0] in ("text", "command") and self.expect is not None:
            raise ValueError(f"{asked[0]} has no expect: write holds with what must be found")
        if self.text is not None and self.holds is None:
            raise ValueError("text needs holds: what must be found in the file")
        if self.size is not None and self.expect is not None and self.expect.unit not in (Unit.BYTES, Unit.NUMBER):
            raise ValueError('size is in bytes: write expect: "> 1kB"')
        if self.files is not None and self.expect is not None and self.expect.unit is not Unit.NUMBER:
            raise ValueError('files is a number: write expect: ">= 1"')
        return self

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.files is not None and not self.files.startswith(("/", "*", "?", "[")):
            raise ValueError(
                f"no file fits {quoted(self.files, 100)}: write the path from the root as in the backup, such as /etc/shop/*.conf"
            )
        empty = next((key for key in ("size", "text", "command") if (text := getattr(self, key)) is not None and not text.strip()), "")
        if empty:
            raise ValueError(f"{empty} is empty: write what the restored copy is asked, or leave the question out")
        return self

    @model_validator(mode="after")
    def _is_expression(self) -> Self:
        if self.holds is not None:
            from .questions import searcher

            searcher(self.holds)
        return self


class StartOptions(Options):
    """The service itself, started from the restored copy and looked at."""

    run: str = Field(min_length=1)
    """A command for bash that runs the service in the foreground. $KEEPWELL_RESTORED is the folder into which the copy was restored,
    $KEEPWELL_PORT a free port. It runs only after a person accepted it, and is ended with everything that it started."""
    checks: tuple[Annotated[str, Reference("checks")], ...] = Field(min_length=1)
    """Checks that must be ok: they look at the started service instead of at their own target."""
    url: str = "http://127.0.0.1:{port}"
    """Where it answers; {port} is the free port."""
    within: Duration = timedelta(seconds=30)
    """So long it may take until all of these checks are ok."""


class ProveOptions(Options):
    """How a copy is proved: restored beside, compared with its manifest, questioned, and perhaps started."""

    every: CadenceText | None = None
    """When, such as Sunday 04:00."""
    zone: ZoneName | None = None
    """The zone of these times; without it that of the backup."""
    questions: tuple[QuestionOptions, ...] = ()
    """What the restored copy is asked."""
    start: StartOptions | None = None
    """The service, started from the copy."""


class BackupOptions(Options):
    """One backup: of what (its kind), to where, when, and for how long."""

    to: Annotated[str, Reference("repositories")] | None = None
    """The repository. Without it nothing is copied."""
    every: CadenceText | None = None
    """When it is made, such as daily 01:00, weekly or 0 3 * * *. Without it: only when somebody asks."""
    zone: ZoneName = "UTC"
    """The zone of these times, such as Europe/Zurich."""
    keep: KeepOptions = KeepOptions()
    """Which copies are kept. None is deleted after a backup that failed or is implausible."""
    plausible: Percentage = 0.5
    """A copy with fewer bytes or files than this share of what is usual (the median of the last seven) is held for implausible: that is
    said, and nothing older is deleted until somebody accepts it."""
    prove: ProveOptions | None = None
    """How it is proved. Without it keepwell backups prove restores and compares it, and asks nothing more."""

    @model_validator(mode="after")
    def _recurs(self) -> Self:
        for every, zone in (
            (self.every, self.zone),
            (self.prove.every if self.prove else None, (self.prove and self.prove.zone) or self.zone),
        ):
            if every is not None:
                parse_cadence(every, zone)
        return self


class RepositoryOptions(Options):
    """One repository: how it keeps copies (its kind)."""

    keep: KeepOptions | None = None
    """Which copies are kept, of backups that do not say it themselves."""
