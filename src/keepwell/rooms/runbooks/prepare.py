"""Pure: a runbook's file becomes steps that could be done: by what, where, as whom, accepted or not, with what danger."""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from keepwell.config.executables import Executable
from keepwell.config.runbooks import CHECKLIST, SHELLS, Runbook, Step

from .dangers import danger
from .model import Prepared, Ready, ServiceDeed, Way
from .services import Service
from .usual import systemd_of

Verdict = Callable[[Executable], tuple[str, str]]
"""Who accepted a text, and why nobody's acceptance counts; one of both is empty."""

Place = Callable[[str], tuple[str, str]]
"""The place and the user of a host, by its name in the configuration, as an acceptance names them."""

_SERVICE = re.compile(r"(?:sudo\s+)?systemctl\s+(status|start|stop|restart|reload)\s+([A-Za-z0-9@_.:-]+)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ELSEWHERE = {"cron.entry": "the section tasks of keepwell.yaml does it at its times"}
WHOLE = "all-of-it"
"""The one step of a runbook that has none: a person reads it, does what it says, and ticks that."""
_STRICT = ("-euo", "pipefail")


@dataclass(frozen=True, slots=True)
class Around:
    """What a runbook is prepared in: services by name, the names of the checks, where hosts are, what is accepted, and whether there is a
    program of that absolute path on this machine (a script that the manual only names may have been supplied)."""

    verdict: Verdict
    place: Place
    services: Mapping[str, Service] = field(default_factory=dict)
    checks: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset({"local"})
    has_program: Callable[[str], bool] = lambda path: False


def prepare(runbook: Runbook, around: Around) -> Ready:
    """The runbook as it would be run. What is wrong with it is its fault."""
    host = runbook.front.get("on", "local")
    environment, secrets = _texts(runbook.front, "environment"), _texts(runbook.front, "secrets")
    fault = runbook.fault or _fault(runbook, host, environment, secrets, around)
    ready = Ready(runbook.path, runbook.title or runbook.path, str(host), environment or {}, secrets or {}, fault=fault)
    if fault:
        return ready
    steps = runbook.steps or (Step(1, WHOLE, CHECKLIST, ready.title, disposition="human"),)
    return replace(ready, steps=tuple(_prepared(step, ready, around) for step in steps))


def _fault(runbook: Runbook, host: Any, environment: Any, secrets: Any, around: Around) -> str:
    if environment is None or secrets is None:
        return "environment and secrets of its front matter are names with texts"
    if not isinstance(host, str) or host not in around.hosts:
        return f"there is no host {host!r} in keepwell.yaml on which it could run"
    for step in runbook.steps:
        if wrong_with := step.fault or _unreadable_program(step) or _elsewhere(step, host, around):
            return f"step {step.number} ({step.name}): {wrong_with}"
    if wrong := next((name for name, value in secrets.items() if not value.startswith("secret:")), None):
        return f'the secret {wrong} of its front matter is no reference: write "secret:NAME"'
    names = [step.name for step in runbook.steps]
    twice = next((name for name in names if names.count(name) > 1), None)
    return f'two steps are called "{twice}"' if twice else ""


def _unreadable_program(step: Step) -> str:
    """Why nobody can tell which program its first line names."""
    if step.language not in SHELLS:
        return ""
    try:
        interpreter(step)
    except ValueError as error:
        return f"the program that its first line names cannot be read: {error}"
    return ""


def _elsewhere(step: Step, host: str, around: Around) -> str:
    """Why a step would reach for its service on a host where that is not."""
    deed = _service_deed(step)
    service = around.services.get(_bare(deed.unit)) if deed is not None else None
    if service is None or service.host in ("local", host):
        return ""
    return f"services has {service.name} on {service.host}, and the runbook is run on {host}: write on: {service.host} in its front matter"


def _texts(front: Mapping[str, Any], key: str) -> dict[str, str] | None:
    """The names and texts below a key of the front matter; None where it holds something else."""
    value = front.get(key) or {}
    if not isinstance(value, dict) or not all(isinstance(one, str | int) and _NAME.fullmatch(name) for name, one in value.items()):
        return None
    return {name: str(one) for name, one in value.items()}


def _prepared(step: Step, ready: Ready, around: Around) -> Prepared:
    not_done = _not_done(step, _missing(step, ready, around))
    if not_done is not None:
        return not_done
    deed = _service_deed(step)
    service = around.services.get(_bare(deed.unit)) or systemd_of(deed.unit) if deed is not None else None
    target = service.target(deed.unit) if service is not None and deed is not None else ""
    executable = Executable(f"{ready.path}#{step.name}", accepted_text(step, ready), target, *around.place(ready.host))
    by, why_not = around.verdict(executable)
    made = Prepared(
        step,
        Way.SERVICE if deed is not None else Way.SHELL,
        executable,
        by,
        why_not,
        danger="" if deed is not None and deed.verb == "status" else danger(step.operation, step.rule, step.text),
        service=deed,
    )
    return _with_verification(made, ready, around)


def _missing(step: Step, ready: Ready, around: Around) -> tuple[str, ...]:
    """What is still missing of what nobody had supplied when the manual was imported: a script that its text starts by an absolute path,
    and that is there now, no longer is."""
    if ready.host != "local":
        return step.missing
    return tuple(name for name in step.missing if not any(around.has_program(path) for path in _paths(step.text, name)))


def _paths(text: str, name: str) -> list[str]:
    """The absolute paths of files of that name in a text."""
    return re.findall(rf"(?<![\w./~$-])/[\w./@+-]*?/{re.escape(name)}(?![\w./-])", text)


def _not_done(step: Step, missing: tuple[str, ...]) -> Prepared | None:
    """A step that no program does."""
    if step.operation in _ELSEWHERE:
        return Prepared(step, Way.ELSEWHERE, why=_ELSEWHERE[step.operation])
    if step.disposition == "human" or step.language == CHECKLIST:
        return Prepared(step, Way.PERSON)
    if step.disposition == "refused":
        return Prepared(step, Way.REFUSED, why=_refusal(step))
    if missing or (step.disposition == "missing" and not step.missing):
        return Prepared(step, Way.MISSING, why=f"nobody supplied {' and '.join(missing) or 'what it needs'}")
    if step.language not in SHELLS:
        return Prepared(step, Way.REFUSED, why=f"it is written in {step.language}, and steps are run by a shell")
    return None


def _refusal(step: Step) -> str:
    """Why import refused it: the sentences above it, else the rules by which."""
    told = [note.partition(": ")[2] or note for note in step.notes if note.startswith("Refused")]
    return "; ".join(told) or f"it is too dangerous as written ({step.rule or 'no rule is named'})"


def _service_deed(step: Step) -> ServiceDeed | None:
    """What a step does to a unit, where that is all that it does."""
    if not step.operation.startswith("systemd."):
        return None
    lines = [line.strip() for line in step.text.split("\n") if line.strip() and not line.lstrip().startswith("#")]
    match = _SERVICE.fullmatch(lines[0]) if len(lines) == 1 else None
    return ServiceDeed(match[1], match[2]) if match else None


def _bare(unit: str) -> str:
    return unit.removesuffix(".service")


def accepted_text(step: Step, ready: Ready) -> str:
    """The text that a person accepts: the step's own, below what else decides what it does."""
    head = [f"# {name}={shlex.quote(value)}" for name, value in sorted({**ready.environment, **ready.secrets}.items())]
    head += [f"# asked for at each run: {' '.join(step.asks)}"] if step.asks else []
    head += [f"# strict: {str(step.strict).lower()}"] if step.strict is not None else []
    return "\n".join([*head, step.text])


def _with_verification(made: Prepared, ready: Ready, around: Around) -> Prepared:
    verify = made.step.verify
    if not verify or made.executable is None:
        return made
    if verify in around.checks:
        return replace(made, check=verify)
    text = Executable(f"{made.executable.name}:verify", verify, "", made.executable.host, made.executable.user)
    by, why_not = around.verdict(text)
    return replace(made, verifier=text, why_not=made.why_not or (f"its verification: {why_not}" if not by else ""))


def interpreter(step: Step) -> tuple[str, ...]:
    """The program that gets a step's text as a file, and its arguments before the file.

    Lines to paste stop at the first that fails (``bash -euo pipefail``). A script with a first line ``#!`` is run by the program that this
    names, as its author wrote it: many look at a status on purpose and go on. The attribute ``strict`` decides otherwise."""
    first = step.text.split("\n", 1)[0].strip()
    named = tuple(shlex.split(first[2:])) if first.startswith("#!") else ()
    strict = step.strict if step.strict is not None else not named
    program = named or ("bash",)
    return (*program, *_STRICT) if strict and program[-1].rpartition("/")[2] == "bash" else program


def executables(ready: Ready) -> tuple[Executable, ...]:
    """Every text of a runbook that runs only when accepted."""
    found = [one for step in ready.steps for one in (step.executable, step.verifier) if one is not None]
    return tuple(found)


def digest_of(prepared: Prepared) -> str:
    """The SHA-256 of what a person decides about: the accepted text with its place, or of a person's step its line."""
    if prepared.executable is not None:
        return prepared.executable.digest
    return sha256(prepared.step.text.encode("utf-8", "surrogatepass")).hexdigest()
