"""Questions are put to a process of its own, which reads each file once and ends with its answers."""

import asyncio
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from keepwell.kernel.problems import AskError
from keepwell.rooms.logs.files.listing import rotated_files
from keepwell.rooms.logs.model import Policy, Question

_PROGRAM = "keepwell.rooms.logs.questions.child"
FRUGAL = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
"""Blocks are small: memory that is given back at once is worth more than a pool of it."""
_FIELDS = re.compile(r"fields? (?:NF|[0-9]{1,3}-?|[0-9]{0,3}-[0-9]{1,3})(?:,(?:[0-9]{1,3}-?|[0-9]{0,3}-[0-9]{1,3}))*")
LONGEST = 600.0
"""Seconds that an analysis may take."""


async def analyse(policy: Policy, questions: Sequence[Question], now: datetime) -> list[Mapping[str, Any]]:
    """The answers, in the order of the questions. Raises AskError where the process gives none."""
    incomplete = {question.name: _incomplete(question) for question in questions}
    asked = [question for question in questions if not incomplete[question.name]]
    found = {answer["name"]: answer for answer in await _asked(policy, asked, now)} if asked else {}
    return [found.get(question.name) or _without_answer(question, incomplete[question.name]) for question in questions]


def _incomplete(question: Question) -> str:
    if question.ask == "statistics" and not question.figure:
        return "which number is meant is not said: add figure, the label before it"
    if question.by.startswith(("field ", "fields ")) and not _FIELDS.fullmatch(question.by):
        return f"there are no {question.by}: fields are counted from 1, such as field 4, fields 1-3 or field NF"
    return ""


def _without_answer(question: Question, why: str) -> Mapping[str, Any]:
    nothing = {"lines": 0, "fitting": 0, "rejected": {}, "files": [], "unit": "", "figures": {}, "rows": []}
    return {"name": question.name, "ask": question.ask, "in": question.path, **nothing, "fault": why, "sentence": why}


async def _asked(policy: Policy, questions: Sequence[Question], now: datetime) -> list[Mapping[str, Any]]:
    body = json.dumps(await asyncio.to_thread(_questions, policy, questions, now))
    # -P: a folder named keepwell where the server was started is not the program.
    arguments = (sys.executable, "-P", "-m", _PROGRAM)
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, **FRUGAL})
    except OSError as error:
        raise AskError(f"the process that reads logs could not be started: {error.strerror}") from None
    try:
        async with asyncio.timeout(LONGEST):
            output, errors = await process.communicate(body.encode())
    except TimeoutError:
        raise AskError(f"the logs could not be read within {LONGEST:g} s") from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        last = errors.decode(errors="replace").strip().rpartition("\n")[2][:300]
        raise AskError(f"the process that reads logs ended with {process.returncode}: {last}")
    answers: list[Mapping[str, Any]] = json.loads(output)
    return answers


def _questions(policy: Policy, questions: Sequence[Question], now: datetime) -> list[Mapping[str, Any]]:
    """What the process is told: all questions to one file together."""
    archive = policy.rotate.archive if policy.rotate else ""
    told: list[Mapping[str, Any]] = []
    for path in dict.fromkeys(question.path for question in questions):
        folder, name = os.path.split(os.path.expanduser(path))
        live = os.path.join(folder, name)
        is_link = os.path.islink(live)
        missing = f"{path} is a link, and links are not followed: name the file itself" if is_link else f"{path} does not exist"
        rotated = [one.path for one in rotated_files(folder, name, archive)]
        told.append(
            {
                "files": [*([live] if os.path.isfile(live) and not os.path.islink(live) else []), *rotated],
                "missing": missing,
                "zone": policy.zone,
                "now": now.timestamp(),
                "questions": [_told(question, now) for question in questions if question.path == path],
            }
        )
    return told


def _told(question: Question, now: datetime) -> Mapping[str, Any]:
    return {
        "name": question.name,
        "path": question.path,
        "ask": question.ask,
        "patterns": question.patterns,
        "without": question.without,
        "by": question.by,
        "figure": question.figure,
        "last": question.last,
        "since": (now - question.over).timestamp() if question.over is not None else None,
    }
