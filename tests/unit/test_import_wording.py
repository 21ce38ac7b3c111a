"""Which sentences ask a person for something."""

import pytest

from keepwell.rooms.manual.importing.wording import advises, asks_for_something, is_question


@pytest.mark.parametrize(
    "text",
    [
        "Check the lamp",
        "1. Restart the printer.",
        "Never skip the backup",
        "(Optional) Write it down",
        "If it hangs, restart it",
        "To free space, delete old pictures",
        "Notify people: tell the neighbours",
        "Please contact the owner",
        "Update documentation",
        "Look around",
        "Review logs",
        "- Scale the workers if needed",
    ],
)
def test_imperatives(text: str) -> None:
    assert asks_for_something(text)


@pytest.mark.parametrize(
    "text",
    [
        "The printer is slow",
        "Monitoring the lamp",
        "Audit logs",
        "Read only pictures",
        "Load balancer",
        "Test results",
        "Watch: a brand of clock",
        "If it hangs, the printer is at fault",
        "CPU and memory",
        "Restarts are rare",
        "",
        "- ",
        "Backup",
    ],
)
def test_others(text: str) -> None:
    assert not asks_for_something(text)


def test_advice_counts_where_it_is_asked_for() -> None:
    assert advises("You may need to restart it")
    assert advises("Regular walks")
    assert not advises("You may notice a smell")
    assert not advises("It was repaired")


def test_questions() -> None:
    assert is_question("Who was told? ")
    assert not is_question("Who was told.")
