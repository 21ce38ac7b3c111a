"""Runs the speech laboratory alone: ``python -m lab.speech``.

It says in one line of JSON where everything answers. Then it takes lines (``break NAME``, ``repair NAME``, ``submit COUNT``, ``state``) and
answers each with its state as a line of JSON. It ends when its input ends, and leaves nothing behind.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from dataclasses import fields
from pathlib import Path

from keepwell.kernel.problems import KeepwellError

from .supervisor import Ports, SpeechLaboratory


async def _run(ports: Ports) -> None:
    root = Path(tempfile.mkdtemp(prefix="keepwell-lab-speech-"))
    laboratory = SpeechLaboratory(root / "laboratory", ports)
    try:
        await laboratory.start()
        _say(laboratory.state())
        while line := await asyncio.to_thread(sys.stdin.readline):
            await _do(laboratory, line.split())
    finally:
        await laboratory.stop()
        shutil.rmtree(root, ignore_errors=True)


async def _do(laboratory: SpeechLaboratory, words: list[str]) -> None:
    try:
        match words:
            case ["break", name]:
                await laboratory.break_(name)
            case ["repair", name]:
                await laboratory.repair(name)
            case ["submit", count]:
                await laboratory.submit(int(count))
    except KeepwellError as error:
        _say({"problem": str(error)})
    else:
        _say(laboratory.state())


def _say(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


def main() -> None:
    """Parses the ports and runs."""
    parser = argparse.ArgumentParser(prog="python -m lab.speech", description="A speech-to-text pair of services to operate and to break.")
    for port in fields(Ports):
        parser.add_argument(f"--{port.name}", type=int, default=0, metavar="PORT", help="default: a free one")
    asyncio.run(_run(Ports(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
