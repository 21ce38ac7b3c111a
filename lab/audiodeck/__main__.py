"""Runs AudioDeck alone: ``python -m lab.audiodeck``.

It says in one line of JSON where it is. Then it takes lines (``break NAME``, ``repair NAME``, ``state``) and answers each with its state as
a line of JSON. It ends when its input ends; a root that it made itself is removed then.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
from pathlib import Path

from keepwell.kernel.problems import KeepwellError

from .laboratory import AudioDeckLaboratory


async def _run(root: Path | None, port: int) -> None:
    own = Path(tempfile.mkdtemp(prefix="keepwell-audiodeck-")) if root is None else root
    laboratory = AudioDeckLaboratory(own, port)
    try:
        await laboratory.start()
        _say(laboratory.state())
        while line := await asyncio.to_thread(sys.stdin.readline):
            await _do(laboratory, line.split())
    finally:
        await laboratory.stop()
        if root is None:
            shutil.rmtree(own, ignore_errors=True)


async def _do(laboratory: AudioDeckLaboratory, words: list[str]) -> None:
    try:
        match words:
            case ["break", name]:
                await laboratory.break_(name)
            case ["repair", name]:
                await laboratory.repair(name)
    except KeepwellError as error:
        _say({"problem": str(error)})
    else:
        _say(laboratory.state())


def _say(value: dict[str, object]) -> None:
    print(json.dumps(value), flush=True)


def main() -> None:
    """Parses the arguments and runs."""
    parser = argparse.ArgumentParser(prog="python -m lab.audiodeck", description="A stand-in of AudioDeck Connect to operate and to break.")
    parser.add_argument("--root", type=Path, help="the folder for its files; without it a temporary one")
    parser.add_argument("--port", type=int, default=0, help="default: a free one")
    chosen = parser.parse_args()
    asyncio.run(_run(chosen.root, chosen.port))


if __name__ == "__main__":
    main()
