"""``keepwell run`` and ``keepwell runs ...``: asked and told of the running server. Imports nothing costly."""

import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from keepwell.kernel.problems import NotFound, UsageError
from keepwell.ports.offer import Argument, Call, Group, Output, Subcommand
from keepwell.ports.server import DATA, AskServer, TellServer

STYLES = {"done": "ok", "failed": "fail", "refused": "fail", "waiting": "warn", "asks": "warn", "skipped": "dim", "running": "dim"}
_OPEN = ("waiting", "running")
_ID = Argument(("id",), "the run's number", {"metavar": "ID", "type": int})
_NOTE = Argument(("--note",), "what others should know; it is kept", {"metavar": "TEXT", "default": ""})
_EVERY = 0.3
_STALE = 5.0
"""Seconds that a run may take to notice that a person answered what it waited for."""


def commands(ask: AskServer, tell: TellServer) -> tuple[Subcommand | Group, ...]:
    """The command ``run`` and the group ``runs``."""
    every = (
        _list(ask),
        _show(ask),
        _runbooks(ask),
        _tick(ask, tell),
        _resume(ask, tell),
        _answer(ask, tell),
        _approvals(ask),
        _approve(ask, tell),
    )
    return _run(ask, tell), Group("runs", "runs of runbooks: how they stand, and what people say of them", every)


def _run(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        given = call.arguments
        try:
            plan = await ask(given["data"], f"/api/v1/runbooks/{quote(given['name'])}")
        except NotFound as error:
            if given["dry_run"]:
                raise
            return await _run_task(call, tell, error)
        if given["dry_run"]:
            return _planned(call, plan)
        body = {"runbook": plan["path"], "arguments": _pairs(given["set"]), "skip": given["skip"], "confirmed": given["confirm"]}
        started = await tell(given["data"], "/api/v1/runs", body)
        return await _follow(call, ask, started["id"])

    return Subcommand(
        "run",
        "run a runbook, or a task, now",
        run,
        (
            Argument(("name",), "the runbook (its path, or its file's name) or the task", {"metavar": "NAME"}),
            Argument(("--set",), "what its steps ask for; may be repeated", {"metavar": "NAME=VALUE", "action": "append", "default": []}),
            Argument(("--skip",), "a step that is left out; may be repeated", {"metavar": "STEP", "action": "append", "default": []}),
            Argument(("--confirm",), "what it destroys is meant", {"action": "store_true"}),
            Argument(("--dry-run",), "only say what each step would do", {"action": "store_true"}),
            DATA,
        ),
        description="Only steps whose exact text a person accepted run (keepwell accept). A run with a step that is refused or waits for "
        "acceptance does not begin. What destroys or changes something needs a permission beside that (policy). Interrupting this "
        "command does not interrupt the run. Exit code 0 when it is done, 1 when it failed, was refused or waits for a person, 2 where no "
        "server runs or nothing is called so.",
        example="keepwell run service-recovery --dry-run",
    )


async def _run_task(call: Call, tell: TellServer, no_runbook: NotFound) -> int:
    """Runs a task of that name, beside its cadence; it goes on in the server. Raises NotFound where there is neither."""
    name = call.arguments["name"]
    try:
        begun = await tell(call.arguments["data"], f"/api/v1/tasks/{quote(name)}/run", {})
    except NotFound as no_task:
        hints = [error.problems[0].hint for error in (no_task, no_runbook)]
        like = [hint for hint in hints if hint.startswith("did you mean")]
        hint = like[0] if like else "keepwell runs runbooks and keepwell tasks list show what there is"
        raise NotFound(f"no runbook and no task is called {name}", hint=hint) from None
    call.output.data(begun)
    call.output.say(f"the task {name} has begun: keepwell tasks show {name}", style="ok")
    return 0


async def _follow(call: Call, ask: AskServer, number: int, before: str = "", known: Mapping[int, str] | None = None) -> int:
    """Says each step as it ends, until the run has ended or waits for a person. ``before`` is why it waited until a person answered just
    now: for a moment the server still says so. ``known`` are states of steps that need not be said any more."""
    import asyncio

    said = dict(known or {})
    patience = asyncio.get_running_loop().time() + _STALE
    while True:
        run = await ask(call.arguments["data"], f"/api/v1/runs/{number}")
        for step in run["steps"]:
            if step["state"] not in _OPEN and said.get(step["number"]) != step["state"]:
                said[step["number"]] = step["state"]
                call.output.say(_step_line(step), style=STYLES[step["state"]])
        stale = before != "" and run["state"] == "waiting" and run["sentence"] == before and not run["approvals"]
        if run["state"] not in _OPEN or (run["state"] == "waiting" and run["sentence"] and not stale):
            break
        if stale and asyncio.get_running_loop().time() > patience:
            break
        await asyncio.sleep(_EVERY)
    call.output.data(run)
    call.output.say(f"run {number} {run['state']}: {run['sentence']}", style=STYLES[run["state"]])
    _what_next(call.output, run)
    return 0 if run["state"] == "done" else 1


def _what_next(output: Output, run: Mapping[str, Any]) -> None:
    """Which command makes it go on."""
    number = run["id"]
    waiting = next((step for step in run["steps"] if step["state"] in ("waiting", "asks", "failed")), None)
    if run["state"] in ("done", "refused") or waiting is None:
        return
    if run["approvals"]:
        output.say(f"  keepwell runs approve {number}", style="dim")
    elif waiting["way"] == "person" and waiting["state"] == "waiting":
        output.say(f"  keepwell runs tick {number} {shlex.quote(waiting['name'])} --note TEXT", style="dim")
    else:
        repeat = "" if waiting["state"] == "waiting" else "--repeat | "
        output.say(f"  keepwell runs resume {number} {repeat}--skip | --stop", style="dim")


def _step_line(step: Mapping[str, Any]) -> str:
    seconds = f" ({step['seconds']:.1f} s)" if step["seconds"] is not None and step["way"] != "person" else ""
    why = f": {step['sentence']}" if step["sentence"] else ""
    return f"  {step['number']:>2} {step['title']}  {step['state']}{seconds}{why}"


def _planned(call: Call, plan: Mapping[str, Any]) -> int:
    call.output.data(plan)
    call.output.say(f"{plan['title']} ({plan['path']}), on {plan['host']}", style="strong")
    if plan["fault"]:
        call.output.say(f"it cannot be run: {plan['fault']}", style="fail")
    skip = call.arguments["skip"]
    unknown = [name for name in skip if name not in {step["name"] for step in plan["steps"]}]
    if unknown:
        call.output.say(f'it has no step called "{unknown[0]}" that could be left out', style="fail")
    stops = bool(plan["fault"] or unknown)
    for step in plan["steps"]:
        if step["name"] in skip:
            call.output.say(f"  {step['number']:>2} {step['name']}  left out", style="dim")
            continue
        hinders = step["way"] == "refused" or bool(step["why_not"])
        stops = stops or hinders
        what = step["service"] or step["way"]
        notes = [step["why"], step["why_not"] and f"waits for acceptance: {step['why_not']}"]
        notes += [
            f"accepted by {step['accepted_by']}" if step["accepted_by"] else "",
            step["danger"] and f"needs a permission: it {step['danger']}",
        ]
        notes += [step["asks"] and f"asks for {' '.join(step['asks'])}", step["verify"] and f"verified by {step['verify']}"]
        call.output.say(f"  {step['number']:>2} {step['name']}  {what}", style="fail" if hinders else "")
        for note in filter(None, notes):
            call.output.say(f"       {note}", style="dim")
    return 1 if stops else 0


def _list(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        given = {name: call.arguments[name] for name in ("runbook", "state", "before", "limit")}
        query = urlencode([(name, value) for name, value in given.items() if value is not None])
        answer = await ask(call.arguments["data"], f"/api/v1/runs?{query}")
        call.output.data(answer)
        rows = [(str(one["id"]), one["state"], one["title"], one["by"], one["asked_at"][:19], one["sentence"]) for one in answer["runs"]]
        styles = [STYLES.get(one["state"], "") for one in answer["runs"]]
        call.output.table(("run", "state", "runbook", "by", "when", "what came of it"), rows, styles=styles)
        return 0

    return Subcommand(
        "list",
        "runs, newest first",
        run,
        (
            Argument(("--runbook",), "only of this runbook", {"metavar": "NAME"}),
            Argument(("--state",), "only in this state", {"choices": ("waiting", "running", "done", "failed", "asks", "refused")}),
            Argument(("--before",), "with a smaller number: the next page", {"metavar": "ID", "type": int}),
            Argument(("--limit",), "so many at most", {"metavar": "N", "type": int, "default": 50}),
            DATA,
        ),
        example="keepwell runs list --state waiting",
    )


def _show(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        data, number = call.arguments["data"], call.arguments["id"]
        found = await ask(data, f"/api/v1/runs/{number}")
        outputs = {}
        for step in found["steps"]:
            if step["output_digest"]:
                told = await ask(data, f"/api/v1/runs/{number}/output?{urlencode({'step': step['name']})}")
                outputs[step["name"]] = told["output"]
        call.output.data({**found, "outputs": outputs})
        call.output.say(f"run {number} {found['state']}: {found['title']}, by {found['by']} at {found['asked_at'][:19]}", style="strong")
        call.output.say(found["sentence"])
        for step in found["steps"]:
            call.output.say(_step_line(step), style=STYLES[step["state"]])
            who = [f"by {step['by']}" if step["by"] else "", step["note"] or ""]
            if any(who):
                call.output.say("       " + ": ".join(filter(None, who)), style="dim")
            for line in (outputs.get(step["name"]) or "").splitlines():
                call.output.say(f"       | {line}")
        _what_next(call.output, found)
        return 0 if found["state"] == "done" else 1

    return Subcommand(
        "show",
        "one run with its steps and what they printed",
        run,
        (_ID, DATA),
        description="Exit code 0 when it is done, 1 when not, 2 where no server runs.",
        example="keepwell runs show 17",
    )


def _runbooks(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        answer = await ask(call.arguments["data"], "/api/v1/runbooks")
        call.output.data(answer)
        rows = [
            (
                one["name"],
                str(one["steps"]),
                one["last"]["state"] if one["last"] else "",
                one["fault"] or (one["last"] or {}).get("sentence", ""),
            )
            for one in answer["runbooks"]
        ]
        call.output.table(("runbook", "steps", "last run", "what came of it"), rows)
        return 0

    return Subcommand("runbooks", "every runbook and its last run", run, (DATA,), example="keepwell runs runbooks")


async def _go_on(call: Call, ask: AskServer, run: Mapping[str, Any], but: str = "") -> int:
    """Follows a run that was told something, and does not repeat what had ended before. That it waits for the next answer is no failure."""
    known = {step["number"]: step["state"] for step in run["steps"] if step["name"] != but}
    await _follow(call, ask, run["id"], known=known)
    return 0


def _tick(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        given = call.arguments
        path = f"/api/v1/runs/{given['id']}/steps/{quote(given['step'], safe='')}/tick"
        return await _go_on(call, ask, await tell(given["data"], path, {"note": given["note"], "by": given["by"]}), but=given["step"])

    return Subcommand(
        "tick",
        "say that you did a step of a checklist",
        run,
        (
            _ID,
            Argument(("step",), "the step's name", {"metavar": "STEP"}),
            _NOTE,
            Argument(("--by",), "who did it (default: the user of this command)", {"metavar": "NAME", "default": ""}),
            DATA,
        ),
        description="Says how the run goes on, until it ends or waits for a person again; interrupting this command does not interrupt the "
        "run. Exit code 0 when the step is ticked, 2 where it cannot be or no server runs.",
        example="keepwell runs tick 17 review-security-alerts --note 'none new'",
    )


def _resume(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        given = call.arguments
        chosen = [what for what in ("repeat", "skip", "stop") if given[what]]
        if len(chosen) != 1:
            raise UsageError("say one of --repeat, --skip and --stop", hint="keepwell runs show shows where the run stands")
        await tell(given["data"], f"/api/v1/runs/{given['id']}/resume", {"what": chosen[0], "note": given["note"]})
        return await _follow(call, ask, given["id"])

    flag = {"action": "store_true"}
    return Subcommand(
        "resume",
        "say what next at the step where a run stands",
        run,
        (
            _ID,
            Argument(("--repeat",), "do the step again", flag),
            Argument(("--skip",), "leave the step out and go on", flag),
            Argument(("--stop",), "end the run", flag),
            _NOTE,
            DATA,
        ),
        description="For a step that failed, or of which nobody knows how it ended; --skip and --stop also for one that waits. Exit code 0 "
        "when the run is done then, 1 when not.",
        example="keepwell runs resume 17 --repeat",
    )


def _answer(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        given = call.arguments
        told = await tell(given["data"], f"/api/v1/runs/{given['id']}/answer", {"arguments": _pairs(given["values"])})
        return await _go_on(call, ask, told)

    values = Argument(("values",), "what the step asks for", {"metavar": "NAME=VALUE", "nargs": "+"})
    return Subcommand(
        "answer",
        "give what a step asks for",
        run,
        (_ID, values, DATA),
        description="Says how the run goes on, as runs tick does. Exit code 0 when it was taken, 2 where not or no server runs.",
        example="keepwell runs answer 17 ALERT_ID=4711",
    )


def _approvals(ask: AskServer) -> Subcommand:
    async def run(call: Call) -> int:
        answer = await ask(call.arguments["data"], f"/api/v1/approvals{'?all=true' if call.arguments['all'] else ''}")
        call.output.data(answer)
        rows = [(_of_what(one), one["state"], one["asked_by"], one["decided_by"], one["what"]) for one in answer["approvals"]]
        call.output.table(("id", "state", "wanted by", "decided by", "what"), rows)
        return 0

    every = Argument(("--all",), "those that were decided too", {"action": "store_true"})
    return Subcommand("approvals", "what waits for a permission", run, (every, DATA), example="keepwell runs approvals")


def _of_what(wish: Mapping[str, Any]) -> str:
    """What ``keepwell runs approve`` calls it: the run's number; where no run wants it, the wish's own name."""
    kind, _, rest = wish["subject"].partition("/")
    return str(rest.partition("/")[0] if kind == "runs" else wish["subject"])


def _approve(ask: AskServer, tell: TellServer) -> Subcommand:
    async def run(call: Call) -> int:
        given = call.arguments
        found = await ask(given["data"], f"/api/v1/runs/{given['id']}") if given["id"].isdecimal() else None
        every = found or await ask(given["data"], "/api/v1/approvals")
        wishes = [wish for wish in every["approvals"] if _of_what(wish) == given["id"]]
        if not wishes:
            what = f"run {given['id']}" if found else given["id"]
            raise UsageError(f"{what} waits for no permission", hint="keepwell runs approvals lists what does")
        for wish in wishes:
            body = {"granted": not given["deny"], "note": given["note"], "lasts": given["lasts"], "digest": wish["digest"]}
            await tell(given["data"], f"/api/v1/approvals/{wish['id']}", body)
            call.output.say(f"{'denied' if given['deny'] else 'approved'}: {wish['what']}", style="ok")
        if found is None:
            call.output.data({"approvals": wishes})
            return 0
        return await _follow(call, ask, found["id"], before=found["sentence"])

    return Subcommand(
        "approve",
        "permit what a run, or other work, waits to do",
        run,
        (
            Argument(("id",), "the run's number; of other work what keepwell runs approvals calls it", {"metavar": "ID"}),
            Argument(("--deny",), "do not permit it", {"action": "store_true"}),
            Argument(("--for",), "permit the same text so long, whoever wants it", {"metavar": "DURATION", "dest": "lasts"}),
            _NOTE,
            DATA,
        ),
        description="Where the policy says approve, somebody else than who started the run has to: with their own account or token.",
        example="keepwell runs approve 17 --for 90d",
    )


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"{text!r} is no NAME=VALUE", hint="write --set ALERT_ID=4711")
        pairs[name] = value
    return pairs
