"""Maintenance that was begun by hand, as availability asks for it."""

from datetime import UTC, datetime, timedelta

from keepwell.rooms.alerts.maintenance import spans
from keepwell.rooms.alerts.matchers import parse_matchers
from keepwell.rooms.alerts.model import Silence

START = datetime(2026, 11, 22, 2, tzinfo=UTC)
API = {"check": "api-health", "target": "api", "service": "shop"}


def maintenance(matchers: str, hours: float = 1.0) -> Silence:
    end = START + timedelta(hours=hours)
    return Silence("m", parse_matchers(matchers), START, end, START, "anna", "new disks", maintenance=True)


def test_it_counts_for_what_its_matchers_name() -> None:
    found = [(START, START + timedelta(hours=1))]
    assert spans([maintenance('target="api"')], API) == found
    assert spans([maintenance('check=~"api-.+"')], API) == found
    assert spans([maintenance('service="shop"'), maintenance('target="db"')], API) == found
    assert spans([maintenance('target="db"')], API) == []


def test_maintenance_of_certain_alerts_is_no_maintenance_of_the_service() -> None:
    assert spans([maintenance('target="api",severity="warning"')], API) == []


def test_one_that_was_called_off_before_it_began_has_no_span() -> None:
    assert spans([maintenance('target="api"', hours=0)], API) == []
