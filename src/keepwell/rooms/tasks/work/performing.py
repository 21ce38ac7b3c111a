"""Lets an occasion be performed: whatever happens to it is an outcome, never an error."""

import logging

from keepwell.kernel.problems import KeepwellError, NotFound
from keepwell.ports.work import Occasion, Outcome, Perform, Performed
from keepwell.rooms.tasks.model import Run, State, Task

STATES = {
    Outcome.DONE: State.DONE,
    Outcome.FAILED: State.FAILED,
    Outcome.REFUSED: State.REFUSED,
    Outcome.WAITING: State.WAITING,
}
"""How an occasion stands after each outcome of its work."""

_log = logging.getLogger("keepwell.tasks")


async def performed_by(perform: Perform, task: Task, run: Run) -> Performed:
    """What came of an occasion of a task that is work."""
    assert task.work is not None
    try:
        return await perform(task.work, Occasion(run.key, run.by, run.due_at))
    except NotFound as error:
        return Performed(Outcome.REFUSED, str(error))
    except KeepwellError as error:
        return Performed(Outcome.FAILED, str(error))
    except Exception as error:
        _log.exception("a task failed", extra={"facts": {"task": task.name}})
        return Performed(Outcome.FAILED, f"Keepwell itself failed at it ({type(error).__name__}); its log says where")
