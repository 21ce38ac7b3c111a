"""Where copies of what a manual only lists are kept."""

from typing import Any

import pytest

from keepwell.rooms.manual.importing.backup_places import place_listed


def placed(backups: dict[str, dict[str, Any]], repositories: tuple[str, ...]) -> str:
    entries = {
        name: (value, None) for name, value in {**backups, "listed": {"files": {"paths": ["/opt/shop/conf", "/var/log/shop/"]}}}.items()
    }
    place_listed(entries, dict.fromkeys(repositories))
    return str(entries["listed"][0].get("to", ""))


WEEKLY = {"files": {"paths": ["/opt/shop", "/var/log/shop"]}, "to": "weekly", "every": "weekly"}
DAILY = {"files": {"paths": ["/opt/shop/", "/var/log"]}, "to": "daily", "every": "daily"}
PART = {"files": {"paths": ["/opt/shop"]}, "to": "part", "every": "daily"}


@pytest.mark.parametrize(
    ("backups", "repositories", "to"),
    [
        ({"a": WEEKLY, "b": DAILY, "c": PART}, ("weekly", "daily", "part"), "daily"),
        ({"c": PART, "a": WEEKLY}, ("weekly", "part"), "weekly"),
        ({"c": PART}, ("part", "other"), ""),
        ({}, ("only",), "only"),
        ({}, (), ""),
        ({"base": {"postgres": {}, "to": "bases"}}, ("bases", "other"), ""),
    ],
)
def test_it_goes_where_the_backup_goes_that_holds_all_of_it(
    backups: dict[str, dict[str, Any]], repositories: tuple[str, ...], to: str
) -> None:
    assert placed(backups, repositories) == to
