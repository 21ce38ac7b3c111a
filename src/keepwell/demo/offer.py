"""What the demonstration declares: ``keepwell demo``, and how to break and repair it while it runs."""

import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import UsageError
from keepwell.ports.offer import Argument, Call, Output, Subcommand

if TYPE_CHECKING:
    from .scenario import Accept, Demonstration, Import

RunServer = Callable[[str, str, str], Awaitable[int]]
"""Runs an operations directory (first) with its data in a directory (second), serving at ADDRESS:PORT (third), until it is stopped."""

_ACTIONS = ("break", "repair", "faults")
_USUAL_PORT = 8750


def commands(run_server: RunServer, import_manual: "Import", accept: "Accept") -> tuple[Subcommand, ...]:
    """``keepwell demo``, ``demo faults``, ``demo break NAME`` and ``demo repair NAME``."""

    async def demo(call: Call) -> int:
        action, fault = call.arguments["action"], call.arguments["fault"]
        if (fault is not None) != (action in {"break", "repair"}):
            raise UsageError(f"keepwell demo {action or ''} ".rstrip() + (" takes no fault" if fault else " needs the name of a fault"))
        if action is None:
            return await _run(call, run_server, import_manual, accept)
        return await _change(call.output, action, fault)

    return (
        Subcommand(
            "demo",
            "run a small service on this machine, watch it, break it and repair it",
            demo,
            (
                Argument(("action",), "what to do with the running demonstration: break, repair or faults", _choice("ACTION", _ACTIONS)),
                Argument(("fault",), "the fault to bring about or to end", {"metavar": "FAULT", "nargs": "?"}),
                Argument(("--no-front",), "leave nginx out even where it is installed", {"action": "store_true"}),
            ),
            description="Starts a stand-in audio server on loopback (and nginx in front where that is installed), imports its manual, "
            "accepts the result for the demonstration, and runs it. Ctrl-C stops everything and leaves nothing behind. From another "
            "terminal, demo faults lists how it can be broken, demo break FAULT and demo repair FAULT do it.",
            example="keepwell demo",
            stays=True,
        ),
    )


def _choice(metavar: str, choices: tuple[str, ...]) -> Mapping[str, Any]:
    return {"metavar": metavar, "nargs": "?", "choices": choices}


async def _run(call: Call, run_server: RunServer, import_manual: "Import", accept: "Accept") -> int:
    from .scenario import demonstration

    async with demonstration(import_manual, accept, front=not call.arguments["no_front"]) as ready:
        listen = f"127.0.0.1:{_free_port(_USUAL_PORT)}"
        _introduce(call.output, ready, listen)
        return await run_server(str(ready.operations), str(ready.data), listen)


def _introduce(output: Output, ready: "Demonstration", listen: str) -> None:
    from .scenario import PACE

    addresses = ready.state["addresses"]
    output.data({"page": f"http://{listen}/", "operations": str(ready.operations), "checks": ready.checks, **ready.state})
    output.say(f"A small audio service runs at {addresses['api']}", style="strong")
    output.say(f"  in front of it nginx, at {addresses['http']} and {addresses['https']}" if ready.has_front else "  (nginx is not used)")
    output.say(f"Its manual {ready.root}/manual.md became {ready.checks} checks in {ready.operations}/keepwell.yaml, made every {PACE}.")
    if ready.accepted:
        output.say(f"{ready.accepted} of them run a command and were accepted for this demonstration.")
    output.say()
    output.say(f"See them at   http://{listen}/", style="strong")
    output.say(f"In a terminal  {program()} status --data {ready.data}")
    output.say()
    output.say("Break something from another terminal, and look again:")
    for fault in ready.state["faults"]:
        output.say(f"  {program()} demo break {fault['name']:20} {fault['seen']}")
    output.say(f"{program()} demo repair NAME ends a fault. Ctrl-C stops everything and leaves nothing behind.")
    output.say()


def program() -> str:
    """How a person calls this program from where they stand: its bare name where the shell finds it, otherwise its path."""
    called = Path(sys.argv[0])
    if shutil.which("keepwell") == str(called.absolute()) or called.name != "keepwell":
        return "keepwell"
    with contextlib.suppress(ValueError):
        return str(called.absolute().relative_to(Path.cwd()))
    return str(called.absolute())


def _free_port(usual: int) -> int:
    """The usual port where it is free, else any free one."""
    for port in (usual, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise UsageError("no port of 127.0.0.1 is free")


async def _change(output: Output, action: str, fault: str | None) -> int:
    from .laboratory.control import ask_laboratory
    from .laboratory.rendezvous import rendezvous_folder

    request = {"do": "state"} if fault is None else {"do": action, "fault": fault}
    state = await ask_laboratory(rendezvous_folder(os.environ, os.geteuid()), request)
    output.data(state)
    if fault is None:
        rows = [(each["name"], "on" if each["on"] else "", each["does"]) for each in state["faults"]]
        output.table(("fault", "on", "what happens"), rows, styles=["fail" if each["on"] else "" for each in state["faults"]])
        return Exit.OK
    told = next(each for each in state["faults"] if each["name"] == fault)
    if action == "break":
        output.say(f"broken: {told['does']}", style="fail")
        output.say(f"what will be seen: {told['seen']}")
    else:
        output.say(f"repaired: {fault}", style="ok")
    return Exit.OK
