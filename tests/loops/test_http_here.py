"""The HTTP client on uvloop."""

from tests.services.test_machine_http import *  # noqa: F403
