"""The ``env`` kind: an audit of a service's environment. It says which variables are not as they should be, and never what they hold.

The environment is an env file's, a running process' (as it was when that was started), or a unit's of systemd (``Environment=`` and
``EnvironmentFile=``; what the service manager itself passes on is not among them).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks import processes
from keepwell.rooms.checks.answers import ending
from keepwell.rooms.checks.environments import LIMIT, Environment, of_file, of_process, of_unit, shown, together
from keepwell.rooms.checks.limits import Verdict
from keepwell.rooms.checks.limits import together as worst
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question, ReadFile
from keepwell.rooms.checks.paths import C_LOCALE, PlainPath
from keepwell.rooms.checks.patterns import RegularExpression
from keepwell.rooms.checks.texts import show

_MOST_PROCESSES = 20
_MOST_FILES = 20
_SHOWN = 10
_NAME_LENGTH = 15
_PROPERTIES = "LoadState,Environment,EnvironmentFiles"
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
NamePattern = Annotated[str, Field(pattern=r"^[A-Za-z_*][A-Za-z0-9_*]{0,127}$")]


class EnvironmentSource(Options):
    """Where an environment is read. Exactly one of file, process and unit."""

    file: PlainPath | None = None
    """An env file: ``NAME=value`` a line. One of more than 256 KiB is none."""
    process: str | None = Field(default=None, min_length=1, max_length=64)
    """The name of running processes, as ``ps -o comm`` shows it; all of them are looked at, up to 20. Only root and the user who runs them
    may."""
    unit: str | None = Field(default=None, min_length=1, max_length=256, pattern=r"^[A-Za-z0-9:_.@\\-]+$")
    """A unit of systemd, for example ``shop`` (a service)."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum(source is not None for source in (self.file, self.process, self.unit)) != 1:
            raise ValueError("give exactly one of file, process and unit")
        return self


class EnvOptions(EnvironmentSource):
    """Whose environment, and what must hold for it. Values are never shown, stored or logged."""

    required: tuple[Name, ...] = ()
    """Variables that must be set and not be empty."""
    allow: tuple[NamePattern, ...] | None = None
    """Further variables that may be set; ``*`` stands for anything, as in ``LC_*``. With it (``[]`` is enough), whatever else is set is
    told and judged by ``unknown``."""
    unknown: Literal["ok", "warn", "fail"] = "warn"
    """The state where something is set that is named nowhere here."""
    deprecated: tuple[NamePattern, ...] = ()
    """Variables that should be set no more: ``warn`` where one is."""
    matches: Mapping[Name, RegularExpression] = Field(default_factory=dict)
    """Regular expressions that must be found in a variable's value, where it is set: ``{PORT: "^[0-9]+$"}``."""
    not_matches: Mapping[Name, RegularExpression] = Field(default_factory=dict)
    """Regular expressions that must not be found in it: ``{JWT_SECRET: "(?i)changeme|example"}``."""
    shared: tuple[Name, ...] = ()
    """Variables that must have the same value here and in ``same_as``. They are compared by their hashes."""
    same_as: EnvironmentSource | None = None
    """Another service's environment, for shared."""

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if bool(self.shared) != (self.same_as is not None):
            raise ValueError("shared and same_as belong together: variables, and the environment that must have the same values")
        asked = (self.required, self.deprecated, self.matches, self.not_matches, self.shared)
        if not any(asked) and self.allow is None:
            raise ValueError("nothing to look at: give at least one of required, allow, deprecated, matches, not_matches and shared")
        return self


@dataclass(slots=True)
class _Audit:
    """What was found out."""

    verdicts: list[Verdict] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)

    def take(self, other: "_Audit") -> None:
        """Takes over what was found in one environment: of several the worst counts."""
        self.verdicts += other.verdicts
        self.values = {name: max(self.values.get(name, 0.0), other.values.get(name, 0.0)) for name in {**self.values, **other.values}}

    def add(self, state: State, counted: str, names: list[str], clause: str) -> None:
        """Notes names of which something is wrong, and how many."""
        self.values[counted] = self.values.get(counted, 0.0) + len(names)
        if names:
            listed = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
            self.verdicts.append(Verdict(state, f"{listed} {clause}"))


# --- asking --------------------------------------------------------------------------------------------------------------------


def _sources(options: EnvOptions) -> tuple[EnvironmentSource, ...]:
    return (options,) if options.same_as is None else (options, options.same_as)


def ask(options: EnvOptions, target: Target | None) -> tuple[Question, ...]:
    """One question for each environment."""
    return tuple(_question(source) for source in _sources(options))


def _question(source: EnvironmentSource) -> Question:
    if source.file is not None:
        return ReadFile(source.file, LIMIT)
    if source.process is not None:
        return processes.LIST
    argv = ("systemctl", "show", "--no-pager", f"--property={_PROPERTIES}", "--", source.unit or "")
    return Command(argv, environment=C_LOCALE, output_limit=2 * LIMIT)


def then(options: EnvOptions, target: Target | None, answers: tuple[Answer, ...]) -> tuple[Question, ...]:
    """The environments of the processes that were found, and the files that a unit names."""
    sources = _sources(options)
    if len(answers) > len(sources):
        return ()
    return tuple(question for source, answer in zip(sources, answers, strict=True) for question in _following(source, answer))


def _following(source: EnvironmentSource, answer: Answer) -> tuple[ReadFile, ...]:
    """What follows from one answer; nothing where that cannot be used, which is told when it is read."""
    try:
        if source.process is not None:
            return tuple(ReadFile(f"/proc/{pid}/environ", LIMIT) for pid in _pids(source.process, answer))
        if source.unit is not None:
            return tuple(ReadFile(path, LIMIT) for path, _ in of_unit(_shown_unit(answer)).files[:_MOST_FILES])
    except (AnswerError, AskError):
        return ()
    return ()


def _pids(name: str, answer: Answer) -> list[int]:
    if isinstance(answer, Result) and not answer.succeeded:
        raise AskError(f"ps {ending(answer)}")  # without a word of it: command lines may hold values, too
    wanted = name.encode()[:_NAME_LENGTH]
    found = [one for one in processes.processes(answer) if not one.defunct and one.name.encode()[:_NAME_LENGTH] == wanted]
    return [one.pid for one in found[:_MOST_PROCESSES]]


def _shown_unit(answer: Answer) -> str:
    """What systemctl printed. A failure is told without a word of it, because values may stand in it."""
    if isinstance(answer, AnswerError):
        raise answer
    if not isinstance(answer, Result):
        raise AnswerError("systemctl gave no text")
    if not answer.succeeded:
        raise AskError(f"systemctl {ending(answer)}")
    if answer.dropped[0]:
        raise AskError("the environment of the unit is longer than 512 KiB")
    return answer.stdout


# --- reading -------------------------------------------------------------------------------------------------------------------


def read(options: EnvOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """Every environment against what is expected, the worst first; no value of any is told."""
    sources = _sources(options)
    audit, rest = _Audit(), answers[len(sources) :]
    try:
        found: list[list[Environment]] = []
        for source, answer in zip(sources, answers, strict=False):
            needed = len(_following(source, answer))
            found.append(list(_environments(source, answer, rest[:needed])))
            rest = rest[needed:]
    except AskError as error:
        return Observation(State.UNKNOWN, f"could not look: {error}")
    except AnswerError as error:
        return Observation(State.FAIL, str(error))
    for environment in found[0]:
        audit.take(_judged(options, environment))
        for other in found[1] if len(found) > 1 else []:
            audit.take(_compared(options, environment, other))
    audit.values["variables"] = float(max(len(environment.variables) for environment in found[0]))
    verdicts = list(dict.fromkeys(audit.verdicts))
    if not verdicts:
        verdicts = [Verdict(State.OK, f"the environment of {_name(options)} is as expected ({_looked_at(options)})")]
    verdict = worst(verdicts)
    return Observation(verdict.state, verdict.sentence, audit.values)


def _name(source: EnvironmentSource) -> str:
    if source.file is not None:
        return source.file
    return f"the process {show(source.process)}" if source.process is not None else f"the unit {source.unit}"


def _looked_at(options: EnvOptions) -> str:
    counts = {
        "required": len(options.required),
        "deprecated": len(options.deprecated),
        "matched": len(options.matches) + len(options.not_matches),
        "shared": len(options.shared),
    }
    words = [f"{count} {word}" for word, count in counts.items() if count]
    return ", ".join(words) if words else "nothing unknown is set"


def _environments(source: EnvironmentSource, answer: Answer, more: tuple[Answer, ...]) -> Iterator[Environment]:
    """The environments of a source: one, or one for each process. Raises AnswerError and AskError."""
    if source.file is not None:
        yield of_file(_bytes(answer, source.file))
    elif source.process is not None:
        if not _pids(source.process, answer):
            raise AnswerError(f"no process named {show(source.process)} runs, so it has no environment")
        read = [of_process(_bytes(one, "the environment")) for one in more if not isinstance(one, AnswerError)]
        if not read:
            raise AnswerError(f"the process {show(source.process)} ended while it was looked at")
        yield from read
    else:
        yield _of_unit(source.unit or "", answer, more)


def _of_unit(unit: str, answer: Answer, more: tuple[Answer, ...]) -> Environment:
    known = of_unit(_shown_unit(answer))
    if known.load != "loaded":
        raise AnswerError(f"the unit {unit} is not loaded, so it has no environment: {show(known.load[:40])}")
    parts = [known.environment]
    if any("*" in path or "?" in path for path, _ in known.files):
        raise AskError(f"the unit {unit} names its environment files by a pattern, which is not followed")
    for (path, may_be_absent), data in zip(known.files, more, strict=False):
        if isinstance(data, AnswerError):
            if not may_be_absent:
                raise AnswerError(f"{show(path)[1:-1]}, the environment file of {unit}, cannot be read: {data}")
            continue
        parts.append(of_file(_bytes(data, path)))
    return together(parts)


def _bytes(answer: Answer, what: str) -> bytes:
    if isinstance(answer, AnswerError):
        raise answer
    if not isinstance(answer, bytes):
        raise AnswerError(f"{what} gave no text")
    if len(answer) >= LIMIT:
        raise AskError(f"{what} is longer than 256 KiB, which is no environment")
    return answer


def _judged(options: EnvOptions, environment: Environment) -> _Audit:
    audit, where, variables = _Audit(), _name(options), environment.variables
    audit.add(State.FAIL, "missing", [name for name in options.required if name not in variables], f"not set in {where}, but required")
    empty = [name for name in options.required if variables.get(name) == ""]
    audit.add(State.FAIL, "missing", empty, f"empty in {where}, but required")
    wrong = [name for name, pattern in options.matches.items() if name in variables and not pattern.found_in(environment.text(name))]
    audit.add(State.FAIL, "mismatched", wrong, f"in {where} not of the expected form")
    wrong = [name for name, pattern in options.not_matches.items() if name in variables and pattern.found_in(environment.text(name))]
    audit.add(State.FAIL, "mismatched", wrong, f"in {where} of a form that is not allowed")
    old = [name for name in variables if _among(name, options.deprecated)]
    audit.add(State.WARN, "deprecated", [shown(name) for name in old], f"set in {where}, but deprecated")
    if options.allow is not None:
        named = {*options.required, *options.matches, *options.not_matches, *options.shared, *old}
        unknown = [shown(name) for name in variables if name not in named and not _among(name, options.allow)]
        audit.add(State(options.unknown), "unknown", unknown, f"set in {where}, but unknown")
    if environment.malformed:
        numbers = ", ".join(map(str, environment.malformed[:_SHOWN]))
        many = len(environment.malformed) > 1
        sentence = f"line{'s' if many else ''} {numbers} of {where} {'are' if many else 'is'} no assignment{'s' if many else ''}"
        audit.verdicts.append(Verdict(State.WARN, sentence))
    audit.add(State.WARN, "repeated", [shown(name) for name in environment.repeated], f"set more than once in {where}")
    return audit


def _among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _compared(options: EnvOptions, here: Environment, there: Environment) -> _Audit:
    assert options.same_as is not None
    audit = _Audit()
    mine, theirs = _name(options), _name(options.same_as)
    for where, environment in ((mine, here), (theirs, there)):
        absent = [name for name in options.shared if name not in environment.variables and not (where == mine and name in options.required)]
        audit.add(State.FAIL, "unequal", absent, f"not set in {where}, but shared")
    both = [name for name in options.shared if name in here.variables and name in there.variables]
    unequal = [name for name in both if here.digest(name) != there.digest(name)]
    audit.add(State.FAIL, "unequal", unequal, f"not the same in {mine} and in {theirs}")
    return audit


DRIVER = Kind(
    summary="Whether a service's environment has what it needs, nothing unknown or deprecated, and the same values as another's",
    options=EnvOptions,
    ask=ask,
    read=read,
    then=then,
    values={
        "variables": "how many variables are set; of several processes the most",
        "missing": "how many required ones are not set or empty",
        "mismatched": "how many have a value of another form than expected",
        "unknown": "how many are set that are named nowhere",
        "deprecated": "how many are set that should be set no more",
        "repeated": "how many are set more than once in a file",
        "unequal": "how many shared ones are not the same in both environments",
    },
    example="""\
checks:
  api-environment:
    env:
      unit: shop-api
      required: [DATABASE_URL, JWT_SECRET, PORT]
      deprecated: [OLD_API_KEY]
      matches: {PORT: "^[0-9]+$"}
      shared: [JWT_SECRET]
      same_as: {file: /etc/shop/worker.env}
    every: 1h
""",
)
