"""Import as a whole, on small manuals: every item has a place, runbooks keep the author's words, what is wrong is put right or refused."""

import pytest
import yaml

from keepwell.config.runbook_text import read_runbook
from keepwell.rooms.manual.importing.decide import import_manual
from keepwell.rooms.manual.importing.model import Disposition, Fate, Outcome, Wanting
from keepwell.rooms.manual.importing.report import report, summary_line
from keepwell.rooms.manual.importing.result import Imported
from keepwell.rooms.manual.importing.views import cadence_in, views
from keepwell.rooms.manual.reading.document import read_manual
from keepwell.rooms.manual.reading.model import Kind

SHOP = b"""# Shop: operations

Everything about the shop.

## Health

```bash
# Is it up
curl http://localhost:8080/health
```

## Weekly maintenance

Do not hurry.

```bash
# Look again
curl http://localhost:8080/health

# Restart the worker
systemctl restart shop-worker
```

### Cleaning

```bash
#!/bin/bash
# clean.sh
DIR=/var/cache/shop
rm -rf "$DIR"/old
echo done
```

## Attack

```bash
# Block the address
iptables -A INPUT -s <attacker_ip> -j DROP
```
"""


def shop(**settings: object) -> Imported:
    return import_manual(SHOP, "shop.md", **settings)  # type: ignore[arg-type]


def at(imported: Imported, line: int, kind: Kind = Kind.COMMAND) -> Outcome:
    return next(outcome for outcome in imported.outcomes if outcome.item.line == line and outcome.item.kind is kind)


def test_every_item_has_one_outcome_in_the_order_of_the_manual() -> None:
    imported = shop()
    assert [outcome.item for outcome in imported.outcomes] == list(imported.manual.items)
    runs = [outcome for outcome in imported.outcomes if outcome.item.kind is Kind.COMMAND]
    assert all(outcome.found.fate is not Fate.NARRATIVE for outcome in runs)
    assert all(outcome.place for outcome in runs)


def test_what_is_asked_in_two_places_is_one_check_with_both_lines() -> None:
    imported = shop()
    written = yaml.safe_load(imported.files["keepwell.yaml"])
    assert list(written["checks"]) == ["health"]
    assert "# from lines 9 and 18" in imported.files["keepwell.yaml"]
    assert at(imported, 9).place == at(imported, 18).place.partition(", ")[0] == "checks.health"


def test_a_section_that_only_asks_needs_no_runbook() -> None:
    assert sorted(shop().files) == ["keepwell.yaml", "runbooks/attack.md", "runbooks/weekly-maintenance.md"]


def test_a_runbook_holds_the_words_of_its_section_and_of_those_below() -> None:
    text = shop().files["runbooks/weekly-maintenance.md"]
    front = yaml.safe_load(text.split("---")[1])
    assert front == {"title": "Weekly maintenance", "source": "shop.md", "lines": "12-33", "every": "weekly"}
    assert "Do not hurry.\n" in text
    assert "### Cleaning\n" in text


WEEK = b"""# Shop: operations

## Weekly maintenance

### Looking back
Every Monday, review:

- Check the figures of the shop

### Cleaning
Every Friday, perform:

#### Spool

```bash
# Empty the spool
find /var/spool/shop -type f -mtime +7 -delete
```

### Worker

```bash
# Restart the worker
systemctl restart shop-worker
```
"""


def test_work_of_another_day_than_its_section_is_a_runbook_of_its_own() -> None:
    imported = import_manual(WEEK, "shop.md")
    tasks = yaml.safe_load(imported.files["keepwell.yaml"])["tasks"]
    ran = {task["every"]: imported.files[task["run"]] for task in tasks.values()}
    assert set(ran) == {"monday", "friday", "weekly"}
    words = ("figures", "-delete", "worker")
    assert {every: [word for word in words if word in text] for every, text in ran.items()} == {
        "monday": ["figures"],
        "friday": ["-delete"],
        "weekly": ["worker"],
    }
    assert "every: friday" in ran["friday"]


def test_a_section_that_names_several_cadences_stays_whole() -> None:
    text = b"# Shop\n\n## Weekly work\n\n### Rounds\n\n**Daily:**\n\n- Check the till\n\n**Monthly:**\n\n- Count the stock\n"
    imported = import_manual(text, "shop.md")
    assert [name for name in imported.files if name.startswith("runbooks/")] == ["runbooks/weekly-work.md"]


ROUND = b"""# Shop

## Daily round

```bash
# Look at the spool
ls /var/spool/shop
```

- Review the **error** log of `shop`
- Check the till,
  and count what is in it
  1. Tell Maria

- [ ] Water the **flowers**,
  also those behind the house
- [ ] Check the till, and count what is in it
"""


def test_what_lists_ask_of_a_person_beside_steps_that_run_is_ticked() -> None:
    imported = import_manual(ROUND, "shop.md")
    steps = read_runbook("daily-round.md", imported.files["runbooks/daily-round.md"]).steps
    assert [(step.name, step.language) for step in steps] == [
        ("look-at-the-spool", "bash"),
        ("review-the-error-log-of-shop", "checklist"),
        ("check-the-till-and-count-what-is-in-it", "checklist"),
        ("tell-maria", "checklist"),
        ("water-the-flowers-also-those-behind-the-house", "checklist"),
        ("check-the-till-and-count-what-is-in-it-2", "checklist"),
    ]
    places = [outcome.place for outcome in imported.outcomes if outcome.item.kind in (Kind.LIST_ITEM, Kind.CHECKBOX)]
    assert places == [f"runbooks/daily-round.md#{step.name}" for step in steps[1:]]


KEYS = b"""# Shop

## Monthly keys

```bash
# Look at the keys
ls /etc/shop/keys
```

### Till

```bash
# Make a new key in the till's own pages
# Update TILL_KEY in the environment

# Revoke the old key
```

## Lost orders

```bash
# Check the list of orders
# Restore from backup if available
```
"""


def test_a_fence_of_comments_is_a_checklist() -> None:
    imported = import_manual(KEYS, "shop.md")
    monthly = read_runbook("monthly-keys.md", imported.files["runbooks/monthly-keys.md"]).steps
    assert [step.name for step in monthly] == [
        "look-at-the-keys",
        "make-a-new-key-in-the-till-s-own-pages",
        "update-till-key-in-the-environment",
        "revoke-the-old-key",
    ]
    assert read_runbook("lost-orders.md", imported.files["runbooks/lost-orders.md"]).steps == ()
    places = {outcome.item.line: outcome.place for outcome in imported.outcomes if outcome.item.kind is Kind.COMMENT}
    assert places[14] == "runbooks/monthly-keys.md#update-till-key-in-the-environment"
    assert places[22] == places[23] == "runbooks/lost-orders.md"


def test_what_was_copied_from_a_terminal_runs_without_prompts_and_without_what_was_printed() -> None:
    text = b"# Shop\n\n## Weekly\n\n```console\n$ ls /srv/shop\nrm spool\n\n# Then restart\n$ systemctl restart shop\n```\n"
    imported = import_manual(text, "shop.md")
    steps = read_runbook("weekly.md", imported.files["runbooks/weekly.md"]).steps
    assert [step.text for step in steps] == ["ls /srv/shop", "# Then restart\nsystemctl restart shop"]


def test_sections_of_one_title_are_two_tasks() -> None:
    part = b"## Daily\n\n```bash\nls /%s\n```\n\n"
    imported = import_manual(b"# Shop\n\n" + part % b"one" + part % b"two", "shop.md")
    tasks = yaml.safe_load(imported.files["keepwell.yaml"])["tasks"]
    assert {task["run"] for task in tasks.values()} == {path for path in imported.files if path.startswith("runbooks/")}
    assert len(tasks) == 2


def test_a_row_of_a_schedule_runs_no_procedure_that_only_shares_a_word_with_it() -> None:
    rows = b"| Frequency | Task |\n|---|---|\n| Monthly | Security audit |\n| Monthly | Full spool backup |\n\n"
    work = b"## Security\n\n### System updates\n\n```bash\napt-get upgrade\n```\n\n## Backup\n\n### Full backup\n\n```bash\n./b.sh\n```\n"
    imported = import_manual(b"# Shop\n\n## Schedule\n\n" + rows + work, "shop.md")
    tasks = yaml.safe_load(imported.files["keepwell.yaml"])["tasks"]
    assert "run" not in tasks["security-audit"]
    assert tasks["full-spool-backup"]["run"] == "runbooks/full-backup.md"


def test_a_list_alone_is_done_as_a_whole() -> None:
    imported = import_manual(b"# Shop\n\n## Daily round\n\n- Review the log\n- Check the till\n", "shop.md")
    assert read_runbook("daily-round.md", imported.files["runbooks/daily-round.md"]).steps == ()
    assert [outcome.place for outcome in imported.outcomes if outcome.item.kind is Kind.LIST_ITEM] == ["runbooks/daily-round.md"] * 2


def test_lines_to_paste_are_steps_and_a_script_is_one() -> None:
    text = shop().files["runbooks/weekly-maintenance.md"]
    assert '"name": "look-again"' in text
    assert '"name": "restart-the-worker"' in text
    assert text.count('"name": "clean"') == 1
    assert 'rm -rf "$DIR"/old\necho done\n```' in text


def test_what_each_run_has_anew_is_asked_for_then() -> None:
    imported = shop()
    outcome = at(imported, 38)
    assert outcome.found.disposition is Disposition.MISSING
    assert [missing.wanting for missing in outcome.found.missing] == [Wanting.ARGUMENT]
    assert '"asks": "ATTACKER_IP"' in imported.files["runbooks/attack.md"]


def test_the_counts_of_the_report_add_up() -> None:
    told = report(shop())
    items = told["items"]
    for counted in ("fates", "dispositions"):
        assert sum(told["summary"][counted].values()) == told["summary"]["items"] == len(items)
    for item in items:
        assert item["fate"]
        assert item["disposition"]
        assert item["line"] <= item["end_line"]


def test_the_summary_is_one_line() -> None:
    assert summary_line(shop()).startswith("1 check, 0 rules, ")


HOST = b"# Gate\n\n## Daily checks\n\n```bash\ncurl -f https://gate.yourdomain.com/health\nredis-cli -u $GATE_REDIS_URL ping\n```\n"


def test_a_placeholder_never_becomes_a_check() -> None:
    imported = import_manual(HOST, "gate.md")
    assert yaml.safe_load(imported.files["keepwell.yaml"])["checks"] == {}
    wanted = {part.missing.name: part.missing.wanting for part in imported.missing}
    assert wanted == {"YOURDOMAIN_COM": Wanting.VALUE, "GATE_REDIS_URL": Wanting.SECRET}
    assert at(imported, 6).found.disposition is Disposition.MISSING


def test_with_its_value_it_does() -> None:
    imported = import_manual(HOST, "gate.md", {"YOURDOMAIN_COM": "gate.net"})
    written = yaml.safe_load(imported.files["keepwell.yaml"])
    assert [target["url"] for target in written["targets"].values()] == ["https://gate.gate.net"]
    assert len(written["checks"]) == 1


HOOK = b'# Tell\n\n```bash\n#!/bin/bash\nHOOK="https://hooks.example.com/services/YOUR/WEBHOOK/URL"\ncurl -X POST -d hello "$HOOK"\n```\n'


def test_a_secret_stands_in_no_file() -> None:
    assert [part.missing.name for part in import_manual(HOOK, "tell.md").missing] == ["HOOK"]
    imported = import_manual(HOOK, "tell.md", {"HOOK": "secret:HOOK"})
    runbook = imported.files["runbooks/tell.md"]
    assert 'HOOK="${HOOK:?}"' in runbook
    assert 'secrets:\n  HOOK: "secret:HOOK"' in runbook


PRUNE = b"# Logs\n\n## Clean logs\n\n```bash\ndocker system prune --volumes -f\n```\n"


def test_what_loses_data_is_refused_and_says_what_to_do() -> None:
    imported = import_manual(PRUNE, "logs.md")
    outcome = at(imported, 6)
    assert outcome.found.disposition is Disposition.REFUSED
    assert outcome.amendments[0].after == ""
    assert "instead" in outcome.found.reason
    text = imported.files["runbooks/clean-logs.md"]
    assert '"disposition": "refused"' in text
    assert "> - Refused (KW3" in text


COLUMN = b'# Slow\n\n```bash\npsql -d shop -c "SELECT query, mean_time FROM pg_stat_statements ORDER BY mean_time DESC;"\n```\n'


def test_what_is_wrong_and_can_be_put_right_is_put_right() -> None:
    imported = import_manual(COLUMN, "slow.md")
    outcome = at(imported, 4)
    assert outcome.found.disposition is Disposition.CORRECTED
    assert ("KW603", True) in [(part.rule, "mean_exec_time" in part.after) for part in outcome.amendments]


def test_the_states_of_connections_are_named_as_the_program_prints_them_that_is_there() -> None:
    lines = b"N=$(netstat -an | grep :80 | grep -c 'ESTABLISHED\\|TIME_WAIT')\necho \"ESTABLISHED: $N\"\n"
    manual = b"# Metrics\n\n```bash\n#!/bin/bash\n" + lines + b"```\n"
    runbook = next(text for path, text in import_manual(manual, "metrics.md").files.items() if path.startswith("runbooks/"))
    assert "N=$(ss -an | grep :80 | grep -c 'ESTAB\\|TIME-WAIT')" in runbook
    assert 'echo "ESTABLISHED: $N"' in runbook


def test_a_script_that_nobody_supplied_is_named_with_what_does_its_job() -> None:
    imported = import_manual(b"# Backups\n\n## Monthly\n\n```bash\n./scripts/verify-backups.sh\n```\n", "b.md")
    outcome = at(imported, 6)
    assert (outcome.found.fate, outcome.found.disposition) == (Fate.BACKUP, Disposition.MISSING)
    assert outcome.found.missing[0].name == "verify-backups.sh"
    assert "the proofs of a backup" in outcome.found.reason


def test_fences_cannot_forge_attributes_or_end_early() -> None:
    forged = b'# A\n\n## Do\n\n````bash {"name":"x","accepted":"true"}\nsystemctl restart a\necho "```"\n````\n'
    text = import_manual(forged, "a.md").files["runbooks/do.md"]
    assert "accepted" not in text
    assert text.count("````") == 2


def test_names_never_leave_the_directory() -> None:
    names = import_manual(
        b"# x\n\n## ../../etc/cron.d/x\n\n```sh\nreboot\n```\n\n## ../../etc/cron.d/x\n\n```sh\nhalt\n```\n", "x.md"
    ).files
    assert sorted(names) == ["keepwell.yaml", "runbooks/etc-cron-d-x-2.md", "runbooks/etc-cron-d-x.md"]


@pytest.mark.parametrize(
    ("text", "cadence"),
    [
        ("Weekly Maintenance Tasks", "weekly"),
        ("Every Friday, perform:", "friday"),
        ("First Monday of each month", "first monday"),
        ("Last week of each quarter", "last week of each quarter"),
        ("every business day", "weekdays"),
        ("Morning Health Check Routine", "daily"),
        ("every 6 hours", "every 6 hours"),
        ("Weeklyish", ""),
        ("Incident Response", ""),
    ],
)
def test_cadences_in_words(text: str, cadence: str) -> None:
    assert cadence_in(text) == cadence


def test_a_view_shows_what_stands_around_an_item() -> None:
    seen = next(view for view in views(read_manual(SHOP, "shop.md")) if view.item.line == 21)
    assert (seen.cadence, seen.comment, seen.title) == ("weekly", "Restart the worker", "Weekly maintenance")
    assert [command.name for command in seen.pipeline] == ["systemctl"]


def test_the_word_of_a_script_is_filled_with_its_constants() -> None:
    manual = read_manual(b'# A\n\n```bash\nBASE=http://localhost:1\ncurl "$BASE/x" "$OTHER"\n```\n', "a.md")
    view = next(view for view in views(manual) if view.item.kind is Kind.COMMAND)
    words = view.pipeline[0].operands
    assert [view.text(word) for word in words] == ["http://localhost:1/x", None]
