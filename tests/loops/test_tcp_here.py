"""The kind ``tcp`` on uvloop."""

from tests.services.test_kind_tcp import *  # noqa: F403
