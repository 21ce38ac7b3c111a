"""The ``nagios`` kind: any plugin of Nagios or Icinga, judged by its exit status; its performance data become values."""

import json
from typing import Self

from pydantic import Field, model_validator

from keepwell.config.options import Options, SecretReference
from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Question
from keepwell.rooms.checks.plugins import plugin_says
from keepwell.rooms.checks.texts import show

PLACES = ("/usr/lib/nagios/plugins", "/usr/lib64/nagios/plugins", "/usr/lib/monitoring-plugins", "/usr/local/nagios/libexec")
_FIND = (
    f'name=$1; shift; for place in {" ".join(PLACES)}; do if [ -x "$place/$name" ]; then exec "$place/$name" "$@"; fi; done; '
    'exec "$name" "$@"'
)


class NagiosOptions(Options):
    """Which plugin, and with which arguments. It runs only when a person accepted exactly this."""

    plugin: str = Field(pattern=r"^(/.*|[A-Za-z0-9][A-Za-z0-9_.+-]*)$", max_length=1000)
    """The plugin's name, such as ``check_load``, looked for where distributions install plugins and then on the PATH; or its path."""
    arguments: tuple[str, ...] = ()
    """Its arguments, one by one, for example ``[-w, "5,4,3", -c, "10,8,6"]``. No shell reads them."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Environment variables to set, beside the few that every program gets."""
    secrets: dict[str, SecretReference] = Field(default_factory=dict)
    """Environment variables whose values are secrets."""

    @model_validator(mode="after")
    def _can_be_started(self) -> Self:
        if any("\0" in text for text in (self.plugin, *self.arguments, *self.environment.values())):
            raise ValueError("no program can be given a zero character in an argument or variable")
        for name in (*self.environment, *self.secrets):
            if not name or "=" in name or "\0" in name:
                raise ValueError(f"{show(name)} cannot be the name of an environment variable")
        for name in self.environment.keys() & self.secrets.keys():
            raise ValueError(f"{name} stands under both environment and secrets")
        return self


def ask(options: NagiosOptions, target: Target | None) -> tuple[Question, ...]:
    """The plugin with its arguments."""
    found = (options.plugin,) if options.plugin.startswith("/") else ("/bin/sh", "-c", _FIND, "sh", options.plugin)
    return (Command((*found, *options.arguments), None, options.environment, options.secrets),)


def read(options: NagiosOptions, answers: tuple[Answer, ...], earlier: Earlier | None) -> Observation:
    """The plugin's own word."""
    result = answers[0]
    if not isinstance(result, Result):
        reason = str(result) if isinstance(result, AnswerError) else "there is no result"
        return Observation(State.FAIL, f"{show(options.plugin)}: {reason}")
    return plugin_says(show(options.plugin), result)


def runs_text(options: NagiosOptions) -> str:
    """Everything that determines what runs."""
    lines = [
        f"{name}: {json.dumps(value, sort_keys=True, ensure_ascii=False)}"
        for name, value in (("environment", options.environment), ("secrets", options.secrets))
        if value
    ]
    return "\n".join([*lines, f"plugin: {json.dumps([options.plugin, *options.arguments], ensure_ascii=False)}"])


DRIVER = Kind(
    summary="A plugin of Nagios or Icinga, judged by its exit status; its performance data become values",
    options=NagiosOptions,
    ask=ask,
    read=read,
    runs_text=runs_text,
    values={
        "duration_seconds": "how long the plugin ran",
        "NAME": "a number that the plugin prints after |, in base units",
    },
    example="""\
checks:
  load:
    nagios: {plugin: check_load, arguments: [-w, "5,4,3", -c, "10,8,6"]}
    every: 1m
""",
)
