"""What a room declares, as values: configuration sections, commands, routes, pages, streams and tables.

``config``, ``cli``, ``api``, ``web`` and ``storage`` turn these into programs and know none of the rooms; ``app.py`` collects them.
Whatever is costly to import stands behind a function without arguments, so that ``keepwell --help`` pays for none of it.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Drivers(Protocol):
    """The drivers of one folder: listed by scan without importing them, loaded one at a time."""

    def names(self) -> Sequence[str]:
        """Every kind there is, sorted."""
        ...

    def load(self, name: str) -> Any:
        """The ``DRIVER`` of that kind; it has ``summary`` and ``options``, and may have ``values`` (what each measured value means) and
        ``example`` (a part of a configuration). Raises NotFound."""
        ...


@dataclass(frozen=True, slots=True)
class Section:
    """One top-level key of keepwell.yaml.

    ``options`` gives the pydantic model of the section, or, where ``named``, of each of its named entries, or, where ``listed``, of each
    entry of the list that it is. With ``kinds`` a named entry holds, beside the keys of that model, exactly one key that names a kind and
    has the kind's options below it; or none, where it need not have one (``kind_needed``): what it is of, is then still to be said.
    """

    key: str
    summary: str
    options: Callable[[], type[Any]]
    named: bool = False
    listed: bool = False
    kinds: Callable[[], Drivers] | None = None
    kind_needed: bool = True
    sample: str = ""
    """Commented YAML that ``keepwell init`` writes for this section; it validates."""


class Entry(Protocol):
    """An entry of a named section as the configuration gives it: the keys that every entry of its section may have, and its kind with the
    kind's options, where it has one."""

    @property
    def name(self) -> str: ...
    @property
    def common(self) -> Any: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def options(self) -> Any: ...


class Output(Protocol):
    """Where a command speaks. Text and tables go to standard output for people; with ``--json`` only ``data`` is printed."""

    @property
    def wants_json(self) -> bool:
        """Whether ``--json`` was given."""
        ...

    def say(self, text: str = "", *, style: str = "") -> None:
        """A line for people; silent under ``--json``. ``style`` is one of ok, warn, fail, unknown, dim, strong or empty."""
        ...

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, styles: Sequence[str] = ()) -> None:
        """A table for people (``styles``: one a row); silent under ``--json``."""
        ...

    def data(self, value: Any) -> None:
        """The answer as JSON; printed only under ``--json``."""
        ...

    def raw(self, text: str) -> None:
        """A text as it is (a schema, a file), whatever the format."""
        ...

    def ask(self, question: str) -> bool:
        """A yes-or-no question on the terminal; False where nobody can answer."""
        ...

    def progress(self, done: int, total: int) -> None:
        """How far a long command is; shown on a terminal only."""
        ...

    @property
    def colours(self) -> bool:
        """Whether text may carry colours."""
        ...

    def note(self, text: str) -> None:
        """A line on standard error, for people and logs, whatever the format."""
        ...


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a command, in argparse's words: ``names`` are ``("DIR",)`` or ``("--json",)``, ``settings`` the rest."""

    names: tuple[str, ...]
    help: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One invocation of a command: its parsed arguments by name, and where it speaks."""

    arguments: Mapping[str, Any]
    output: Output


@dataclass(frozen=True, slots=True)
class Subcommand:
    """A command of the program. ``run`` returns the exit code; ``example`` is shown by ``--help``; ``on_error`` is the exit code where it
    ends in a KeepwellError. A command that never waits for anything says so (``waits``) and is spared the event loop, which costs a tenth
    of a short command. One that runs until it is stopped says so too (``stays``): its loop costs more to import, and less to run."""

    name: str
    summary: str
    run: Callable[[Call], Awaitable[int]]
    arguments: Sequence[Argument] = ()
    description: str = ""
    example: str = ""
    on_error: int = 2
    waits: bool = True
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Commands that stand together below one word, ``keepwell NAME COMMAND``: each has its own arguments, help and exit codes."""

    name: str
    summary: str
    commands: Sequence[Subcommand]
    description: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """Marks the parameter of an endpoint that takes the whole query as a model: ``asked: Annotated[Asked, Query()]``."""


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP operation. ``endpoint`` is an async function whose annotated parameters are its query, path and body; ``permission`` is
    the word that a token must hold (reads on loopback need none until people and roles exist). ``known_by_path``: the path itself holds
    what only those know who may; whoever asks for anything below its fixed part holds the permission, and no other. ``asks``: a POST to
    this path changes nothing, a question too long for an address; it is let in as a read is (and answered with 405 where there is only a
    GET, which clients that try POST first understand, and a refusal not). ``body``: bytes that a request's body may have here,
    where the server's usual limit is too little; such a path has no parameters."""

    method: str
    path: str
    permission: str
    endpoint: Callable[..., Awaitable[Any]]
    summary: str
    known_by_path: bool = False
    asks: bool = False
    body: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """A page for people. ``template`` is ``room/name.html`` from a folder handed over in ``Pages.templates``; ``context`` its values.

    A page ``within`` another (the path of that one) is not listed in the navigation, which then marks the other."""

    path: str
    title: str
    permission: str
    template: str
    context: Callable[..., Awaitable[Mapping[str, Any]]]
    within: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: ``name`` selects the element that it replaces, ``context`` are the values of ``template``."""

    name: str
    template: str
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of server-sent events that keeps a page live. ``events`` starts anew for each listener."""

    path: str
    permission: str
    events: Callable[[], AsyncIterator[Event]]


@dataclass(frozen=True, slots=True)
class Face:
    """What a running room shows: built after the room itself. ``templates`` is the folder of its templates, ``name`` their prefix."""

    name: str
    routes: Sequence[Route] = ()
    pages: Sequence[Page] = ()
    streams: Sequence[Stream] = ()
    templates: str = ""


@dataclass(frozen=True, slots=True)
class Tables:
    """A room's tables: ``metadata`` gives SQLAlchemy's MetaData, ``migrations`` the folder of its Alembic revisions (an independent
    branch), ``head`` the newest of them (so that a current database is recognised without loading Alembic; a test keeps it true).

    A new database gets them as declared, with what hangs on them as events (triggers); a test holds the revisions to the same. Tables of
    which there are revisions only (``metadata`` gives None) are made by these."""

    name: str
    metadata: Callable[[], Any]
    migrations: str
    head: str
