"""Programs that misbehave, run on uvloop."""

from tests.faults.test_runner_faults import *  # noqa: F403
