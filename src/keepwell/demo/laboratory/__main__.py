"""Runs the laboratory as a program of its own: ``python -m keepwell.demo.laboratory``.

Its files live in a new temporary folder, which is removed at the end. With ``--tied`` (as ``keepwell demo`` starts it) it says where it is
as one line of JSON, and ends when its standard input ends: so also when whoever started it was killed.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from keepwell.kernel.exits import Exit
from keepwell.kernel.problems import KeepwellError

from .control import offer_control, problem_value
from .rendezvous import Claim, rendezvous_folder
from .supervisor import Laboratory, LaboratoryError


async def _run(rendezvous: Path, *, front: bool, tied: bool) -> None:
    """Claims the rendezvous folder, starts everything, says so, and waits for the end; whatever happens, cleans up."""
    end = _end(tied)
    claim = Claim(rendezvous)
    root = Path(tempfile.mkdtemp(prefix="keepwell-demo-"))
    laboratory = Laboratory(root / "laboratory", front=front)
    try:
        await laboratory.start()
        control = await offer_control(laboratory, claim.folder)
        _announce({"root": str(root), **laboratory.state()}, tied=tied)
        await end.wait()
        control.close()
    except OSError as error:
        raise LaboratoryError(f"the laboratory could not start: {error}") from error
    finally:
        await laboratory.stop()
        shutil.rmtree(root, ignore_errors=True)
        claim.release()


def _end(tied: bool) -> asyncio.Event:
    """An event that is set by SIGTERM and SIGINT, and where tied by the end of standard input."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    if tied:
        source = sys.stdin.fileno()

        def look() -> None:
            if not os.read(source, 4096):
                loop.remove_reader(source)
                end.set()

        loop.add_reader(source, look)
    return end


def _announce(state: dict[str, Any], *, tied: bool) -> None:
    if tied:
        print(json.dumps(state), flush=True)
        return
    print(f"The laboratory runs in {state['folder']}")
    for name, address in state["addresses"].items():
        print(f"  {name:5} {address or '(nginx is not used)'}")
    print("Break it with keepwell demo break NAME, repair it with keepwell demo repair NAME:")
    for fault in state["faults"]:
        print(f"  {fault['name']:20} {fault['does']}")
    print("Ctrl-C stops it and removes its folder.", flush=True)


def main() -> int:
    """Parses the arguments and runs until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m keepwell.demo.laboratory", description="A small audio service to operate and to break."
    )
    parser.add_argument("--no-front", action="store_true", help="leave nginx out even where it is installed")
    parser.add_argument("--tied", action="store_true", help="print one line of JSON, end when standard input ends")
    chosen = parser.parse_args()
    try:
        asyncio.run(_run(rendezvous_folder(os.environ, os.geteuid()), front=not chosen.no_front, tied=chosen.tied))
    except KeepwellError as error:
        if chosen.tied:
            print(json.dumps(problem_value(error)), flush=True)
        else:
            problem = error.problems[0]
            print(f"{problem.message}\n  hint: {problem.hint}", file=sys.stderr)
        return Exit.COULD_NOT
    return Exit.OK


if __name__ == "__main__":
    sys.exit(main())
