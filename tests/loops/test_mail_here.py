"""Mail on uvloop."""

from tests.services.test_alerts_mail import *  # noqa: F403
