"""The ``command`` kind: a program or shell text of your own, judged by its status, its output, a number in it, or as a Nagios plugin."""

import json
import math
import re
from collections.abc import Iterator
from typing import Self

from pydantic import Field, model_validator

from keepwell.config.options import Options, SecretReference
from keepwell.config.targets import Target
from keepwell.kernel.comparisons import Unit, describe
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.answers import ending
from keepwell.rooms.checks.limits import NumberLimits, Verdict, judge, together
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.patterns import RegularExpression
from keepwell.rooms.checks.plugins import output_of, plugin_says
from keepwell.rooms.checks.texts import Wanted, first_line, missed, show

_NUMBER = re.compile(r"(?<![\w.-])[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")  # not the 2 of web-2


class CommandExpect(Options):
    """How the program must end and what it must print. Output is what it prints to standard output."""

    status: int = Field(default=0, ge=0, le=255)
    """The exit status."""
    output_contains: str | None = Field(default=None, min_length=1)
    """Text that the output contains."""
    output_not_contains: str | None = Field(default=None, min_length=1)
    """Text that the output does not contain."""
    output_matches: RegularExpression | None = None
    """A regular expression that is found in the output (no look-around, no backreferences; ``(?m)`` for line by line)."""


class CommandOptions(Options):
    """What to run, and how to judge it. Exactly one of run and shell. It runs only when a person accepted exactly this."""

    run: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Program and arguments, one by one, for example ``[pg_isready, -h, db.example.org]``. No shell reads them."""
    shell: str | None = Field(default=None, min_length=1)
    """Text for ``/bin/sh -c``, exactly as it stands here; ``${VAR}`` in it is the shell's own."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Environment variables to set, beside the few that every program gets."""
    secrets: dict[str, SecretReference] = Field(default_factory=dict)
    """Environment variables whose values are secrets, for example ``{PGPASSWORD: "secret:STT_PASSWORD"}``."""
    directory: str | None = None
    """Working directory, an absolute path."""
    input: str | None = None
    """Text (UTF-8) for standard input; without it, there is none."""
    expect: CommandExpect | None = None
    """How it must end and what it must print. Without it: status 0."""
    value: NumberLimits | None = None
    """Limits on the first number of the output, which is kept as ``value``, for example ``{warn: "> 10", fail: "> 20"}``."""
    nagios: bool = False
    """Whether it answers like a Nagios plugin: status 0 ok, 1 warn, 2 fail, 3 unknown; the numbers after ``|`` are kept."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.run is None) == (self.shell is None):
            raise ValueError("give exactly one of run (a list: program and arguments) and shell (text for /bin/sh)")
        if self.nagios and (self.expect is not None or self.value is not None):
            raise ValueError("a Nagios plugin judges itself: leave out expect and value, or nagios")
        if self.directory is not None and not self.directory.startswith("/"):
            raise ValueError(f"directory is an absolute path, unlike {show(self.directory)}")
        for problem in _text_problems(self):
            raise ValueError(problem)
        return self


def _text_problems(options: CommandOptions) -> Iterator[str]:
    if options.run is not None and not options.run[0]:
        yield "run begins with the name of a program"
    if any("\0" in text for text in (*(options.run or ()), options.shell or "", options.directory or "", *options.environment.values())):
        yield "no program can be given a zero character in an argument or variable"
    for name in (*options.environment, *options.secrets):
        if not name or "=" in name or "\0" in name:
            yield f"{show(name)} cannot be the name of an environment variable"
    for name in options.environment.keys() & options.secrets.keys():
        yield f"{name} stands under both environment and secrets"


def ask(options: CommandOptions, target: Target | None) -> tuple[Question, ...]:
    """The command, with nothing put into its text."""
    argv = options.run if options.run is not None else ("/bin/sh", "-c", options.shell or "")
    body = None if options.input is None else options.input.encode()
    return (Command(argv, body, options.environment, options.secrets, options.directory),)


def runs_text(options: CommandOptions) -> str:
    """Everything that determines what runs; a shell's text stands last, exactly as it is."""
    lines = [
        f"{name}: {json.dumps(value, sort_keys=True, ensure_ascii=False)}"
        for name, value in (
            ("directory", options.directory),
            ("environment", options.environment),
            ("secrets", options.secrets),
            ("input", options.input),
            ("run", options.run),
        )
        if value
    ]
    return "\n".join(lines if options.shell is None else [*lines, "shell:", options.shell])


def read(options: CommandOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """How it ended, then what it printed; or, of a Nagios plugin, what it says of itself."""
    result = answers[0]
    if not isinstance(result, Result):
        reason = str(result) if isinstance(result, AnswerError) else "there is no result"
        return Observation(State.FAIL, f"{_name(options)}: {reason}")
    if options.nagios:
        return plugin_says(_name(options), result)
    verdict, values = _judged(options, result)
    return Observation(verdict.state, verdict.sentence, {"duration_seconds": result.seconds} | values, detail=output_of(result))


def _judged(options: CommandOptions, result: Result) -> tuple[Verdict, dict[str, float]]:
    expect = options.expect or CommandExpect()
    seen = f"{_name(options)} {ending(result)}"
    if result.timed_out:
        return Verdict(State.FAIL, seen), {}
    if result.status != expect.status:
        line = first_line(result.stderr) or first_line(result.stdout)
        said = f": {show(line)}" if line else ""
        return Verdict(State.FAIL, f"{seen}, expected {expect.status}{said}"), {}
    verdicts = [Verdict(State.OK, f"{seen} in {describe(result.seconds, Unit.SECONDS)}")]
    wanted = Wanted(expect.output_contains, expect.output_not_contains, expect.output_matches)
    clauses = missed("its output", result.stdout, wanted, complete=not result.dropped[0])
    said = _telling_line(result.stdout, expect.output_not_contains)
    clauses += [f"it says {show(said)}"] if clauses and said and not result.dropped[0] else []
    verdicts += [Verdict(State.FAIL, clause) for clause in clauses]
    values: dict[str, float] = {}
    if options.value is not None:
        verdict, values = _number(options.value, result.stdout)
        verdicts.append(verdict)
    return together(verdicts), values


def _telling_line(output: str, excluded: str | None) -> str:
    """The line of the output that tells most: the one that holds what it must not, else the first."""
    return next((line.strip() for line in output.splitlines() if excluded is not None and excluded in line), first_line(output))


def _number(limits: NumberLimits, output: str) -> tuple[Verdict, dict[str, float]]:
    match = _NUMBER.search(output)
    number = float(match[0]) if match else math.nan
    if not math.isfinite(number):
        said = show(first_line(output)) if output.strip() else "nothing"
        return Verdict(State.FAIL, f"its output holds no number: {said}"), {}
    return judge(f"its first number is {describe(number, Unit.NUMBER)}", number, limits.warn, limits.fail), {"value": number}


def _name(options: CommandOptions) -> str:
    """The program as a person recognises it."""
    return show(" ".join(options.run) if options.run is not None else first_line(options.shell or ""))


DRIVER = Kind(
    summary="A program or shell text of your own, judged by its status, its output, a number in it, or as a Nagios plugin",
    options=CommandOptions,
    ask=ask,
    read=read,
    runs_text=runs_text,
    values={
        "duration_seconds": "how long it ran",
        "value": "the first number of its output, where option value is given",
        "NAME": "a number that a Nagios plugin prints after |, in base units",
    },
    example="""\
checks:
  queue:
    command: {run: [mailq-length, --plain], value: {warn: "> 100", fail: "> 1000"}}
    every: 5m
""",
)
