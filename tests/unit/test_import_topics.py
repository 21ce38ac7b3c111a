"""What a text is about, by its own words and by its headings."""

import pytest

from keepwell.rooms.manual.importing.capabilities import CAPABILITIES
from keepwell.rooms.manual.importing.topic_words import FRAMES, WORDS
from keepwell.rooms.manual.importing.topics import capabilities_of


@pytest.mark.parametrize(
    ("words", "section", "wanted"),
    [
        ("Look for failed logins", "", "security.auth"),
        ("Verify last night's backup", "", "backup.verify"),
        ("Has the backup completed?", "", "check.backup_freshness"),
        ("The disaster recovery plan", "", "dr.plan"),
        ("Rehearse the disaster recovery plan", "", "dr.drill"),
        ("Rotate the signing keys", "", "keys.rotate"),
        ("Prune old backups", "", "backup.retention"),
        ("Plan capacity for the summer", "", "capacity"),
        ("Tell stakeholders and update customers", "", "incident.comms"),
        ("Vacuum the orders table", "", "database.maintenance"),
        ("Roll back to the previous version", "", "rollback"),
        ("Write the changelog", "", "docs"),
        ("Free disk space", "", "check.host"),
        ("Pods are ready", "", "check.kubernetes"),
        ("Total orders", "Shop > Key metrics to monitor", "metric"),
        ("Refused cards", "Shop > Log review > Payments", "logs.analyse"),
        ("Catalogue: 3 hours", "Shop > Recovery time objectives", "objective"),
        ("Is the lamp red?", "Shop > Post-incident review", "incident.review"),
        ("Lamp", "Shop > Troubleshooting", "runbook"),
    ],
)
def test_the_best_word_comes_first(words: str, section: str, wanted: str) -> None:
    assert capabilities_of(words, section)[0] == wanted


def test_headings_stand_behind_the_words_themselves() -> None:
    assert capabilities_of("Restart the printer service", "Shop > Emergency procedures") == ("check.service", "runbook")


def test_the_innermost_heading_counts_most() -> None:
    assert capabilities_of("", "Backup strategy > Key rotation")[0] == "keys.rotate"


def test_words_that_say_nothing_have_no_capability() -> None:
    assert capabilities_of("blue and green", "Colours") == ()


def test_a_very_long_text_is_read_at_its_beginning_only() -> None:
    assert capabilities_of("x " * 400_000 + "vacuum") == ()


def test_every_rule_of_the_vocabulary_names_a_capability() -> None:
    lines = (WORDS + FRAMES).strip().splitlines()
    assert {line.split()[0] for line in lines if line.strip()} <= CAPABILITIES
