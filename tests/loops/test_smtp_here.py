"""The kind ``smtp`` on uvloop."""

from tests.services.test_kind_smtp import *  # noqa: F403
