"""The shell's own words, conditions and assignments of scripts."""

from typing import Any

import pytest

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.compared import metric_of
from keepwell.rooms.manual.importing.embedded_commands import commands_in
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, ExpectDraft, Fate, Found, LimitDraft
from keepwell.rooms.manual.importing.purposes import purpose_in
from keepwell.rooms.manual.importing.views import views
from keepwell.rooms.manual.reading.document import read_manual
from tests.import_judging import Case, holds, judged, last

CHECK, STEP, BACKUP = "check", "runbook step", "backup"


@pytest.mark.parametrize(
    "case",
    [
        Case("echo 'To roll back: kubectl rollout undo deployment/shop'", STEP, "rollback"),
        Case("echo 'Scale up: kubectl scale deployment/shop --replicas=5'", STEP, "scale"),
        Case("echo '- Save connections: netstat -an > connections.txt'", STEP, "security.network", "", "Security incident response"),
        Case("echo 'Escalating to the on-call engineer'", STEP, "escalate"),
        Case('LOG_FILE=/var/log/shop/health.log\necho "OK" >> "$LOG_FILE"', STEP, "logs.layout"),
        Case('echo "ALERT $1" >> /var/log/shop/alerts.log', STEP, "notify"),
        Case("date > /backups/latest.success\necho done > /backups/latest.success", STEP, "check.backup_freshness"),
        Case("cd /srv/shop", STEP, "update", "shell.cd", "Application update"),
        Case("sleep 10", STEP, "runbook", "shell.sleep"),
        Case("eval $COMMAND", STEP, "runbook", ""),
        Case("echo 'Backup failed'", STEP, "backup.verify", "", "Nightly backup"),
        Case("mkdir -p /srv/restore", STEP, "restore.system", "files.make_folder", "Full system recovery"),
        Case("rm -rf /tmp/shop-*", STEP, "cleanup", "files.remove"),
        Case("cp -r /etc/shop /backup/shop/", BACKUP, "backup.files", "files.copy", "Nightly backup"),
        Case("cp /backup/shop.conf /etc/shop/", STEP, "restore.config", "files.copy", "Restore configuration"),
        Case("mv /srv/shop /srv/shop.old.$(date +%Y%m%d)", STEP, "restore.system", "files.move", "Full system recovery"),
        Case("ls -la /backups/", BACKUP, "backup.verify", "files.list"),
        Case("# Check the age of the newest backup\nls -la /backups/", BACKUP, "check.backup_freshness", "files.list"),
        Case("ls -lh /var/log/shop/", CHECK, "check.log", "files.list"),
        Case("ls", STEP, "diagnostics", "files.list"),
        Case("cat /tmp/report.txt", STEP, "report", "files.show"),
        Case("watch -n 5 'docker stats --no-stream'", STEP, "dashboard", "person.watch"),
        Case("find docs -name '*.md' -exec grep -l TODO {} ;", STEP, "docs", "files.find", "Documentation review"),
        Case("command -v apt &> /dev/null", STEP, "security.updates", "program.installed"),
        Case('[ -z "$1" ]', STEP, "restore.database", "", "Database recovery"),
        Case("pg_dump shop > /backup/shop.sql\n# Verify the backup\n[ $? -eq 0 ]", STEP, "backup.verify"),
        Case('[ -n "$SLACK_WEBHOOK" ]', STEP, "notify"),
        Case("BACKUP_DIR=/backups/shop", STEP, "backup.files", "", "Nightly backup"),
        Case("BACKUP_FILE=$1", STEP, "restore.system", "", "Full system recovery"),
        Case("LOG_FILE=/var/log/shop/app.log", STEP, "logs.layout"),
        Case("RETENTION_DAYS=30", BACKUP, "backup.retention"),
        Case("LOG_RETENTION_DAYS=14", "log policy", "logs.cleanup"),
        Case("CPU_THRESHOLD=80", "rule", "rule"),
        Case('send_alert() {\n  logger "$1"\n}\nsend_alert down', STEP, "notify"),
    ],
    ids=str,
)
def test_what_a_line_becomes(case: Case) -> None:
    holds(case)


def limit(found: Found) -> LimitDraft:
    """Its only draft, which is a limit."""
    (draft,) = found.drafts
    assert isinstance(draft, LimitDraft)
    return draft


@pytest.mark.parametrize(
    ("script", "metric", "comparison"),
    [
        ('if [ "$MEMORY_MB" -gt 200 ]; then echo WARNING; fi', "memory", "> 200MB"),
        ('if [ "$RESPONSE_MS" -ge 100 ]; then echo slow; fi', "response time", ">= 100ms"),
        ('if (( $(echo "$CPU_USAGE > 70.5" | bc -l) )); then echo WARNING; fi', "cpu", "> 70.5%"),
        ("USED=$(df / | tail -1 | awk '{print $5}')\nif [ \"$USED\" -gt 90 ]; then echo WARNING; fi", "disk", "> 90%"),
        ("LIMIT=80\nUSED=$(df / | tail -1)\nif [[ $USED -gt $LIMIT ]]; then echo WARNING; fi", "disk", "> 80%"),
        ('if (( MEMORY_USAGE > 85 )); then echo "memory ${MEMORY_USAGE}%"; fi', "memory", "> 85%"),
        ('memory=$(jq .memory /tmp/health.json)\nif [ "$memory" -gt 209715200 ]; then echo much; fi', "memory", "> 200MiB"),
    ],
)
def test_a_figure_compared_with_a_number_is_a_rule(script: str, metric: str, comparison: str) -> None:
    rules = [found for found in judged(script) if found.fate is Fate.RULE and found.drafts]
    draft = limit(rules[-1])
    assert (draft.metric, draft.warn, draft.fail) == (metric, comparison, "")
    assert draft.words == f"{metric} {comparison}"


def test_the_age_of_a_backup_is_a_figure() -> None:
    script = "age=$(( $(date +%s) - $(stat -c %Y /backup/shop.sql) ))\nif [ $age -gt 90000 ]; then echo old; fi"
    found = judged(script)[-2]
    assert (found.capabilities, limit(found).words) == (("rule", "check.backup_freshness"), "backup age > 90000s")


def test_what_is_told_says_how_bad_it_is() -> None:
    found = judged('if [ "$CPU_USAGE" -gt 95 ]; then\n  echo "CRITICAL: cpu"\nfi')[0]
    assert (limit(found).warn, limit(found).fail) == ("", "> 95%")


def test_a_figure_of_the_whole_machine_says_so() -> None:
    script = "CPU_USAGE=$(top -bn1 | grep 'Cpu(s)')\nif [ \"$CPU_USAGE\" -gt 80 ]; then echo high; fi"
    assert limit(judged(script)[1]).subject == "host"


@pytest.mark.parametrize("script", ["[ $# -gt 1 ]", '[ "$COUNT" -gt 3 ]', '[ "$CPU_USAGE" -gt "$UNKNOWN" ]', '[ "$cpu" = idle ]'])
def test_what_compares_no_known_figure_with_a_number_is_a_step(script: str) -> None:
    assert last(script).fate is Fate.STEP


def test_a_compared_status_is_expected_of_the_request() -> None:
    script = "code=$(curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/health)\nif [ \"$code\" -ne 200 ]; then echo bad; fi"
    (draft,) = judged(script)[1].drafts
    assert draft == ExpectDraft({"status": 200}, "/health")


def test_a_marker_of_a_backup_is_looked_for() -> None:
    found = last("[ -f /backups/latest.success ]")
    (draft,) = found.drafts
    assert isinstance(draft, CheckDraft)
    assert (found.fate, draft.kind, draft.settings) == (Fate.CHECK, "file", {"path": "/backups/latest.success"})


@pytest.mark.parametrize(
    ("line", "kind", "settings"),
    [
        ("[ -f /run/shop/shop.pid ]", "file", {"path": "/run/shop/shop.pid"}),
        ("[ -s /backups/latest.ok ]", "file", {"path": "/backups/latest.ok", "size": {"fail": "< 1B"}}),
        ("[ -e /backups/latest.ok ]", "command", {"run": ["test", "-e", "/backups/latest.ok"]}),
    ],
)
def test_a_marker_is_looked_for_as_the_script_does(line: str, kind: str, settings: dict[str, Any]) -> None:
    (draft,) = last(line).drafts
    assert isinstance(draft, CheckDraft)
    assert (draft.kind, draft.settings) == (kind, settings)
    assert verbs.check_problem(kind, settings) == ""


def test_a_limit_that_nothing_uses_is_missing() -> None:
    found = last("ALERT_THRESHOLD=80")
    assert (found.fate, found.disposition) == (Fate.RULE, Disposition.MISSING)
    assert "ALERT_THRESHOLD" in found.reason


def test_a_here_document_that_writes_a_form_is_a_template() -> None:
    form = "cat > change.md << EOF\n# Change\nRequester: [name]\nRisk: [low, high]\nEOF"
    assert last(form, "Change management").fate is Fate.TEMPLATE
    assert last("cat > settings.json << EOF\n{}\nEOF\ncurl -X PUT -d @settings.json http://h/config").fate is Fate.STEP
    assert judged("cat > settings.json << EOF\n{}\nEOF\ncurl -X PUT -d @settings.json http://h/config")[0].capabilities[0] == "api"


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("To roll back: kubectl rollout undo deployment/shop", "kubectl rollout undo deployment/shop"),
        ("- Block it: sudo iptables -A INPUT -s 192.0.2.1 -j DROP", "sudo iptables -A INPUT -s 192.0.2.1 -j DROP"),
        ("Run `docker ps -a` first", "docker ps -a"),
        ("Docker is down: call somebody", ""),
        ("Checking the service", ""),
        ("", ""),
    ],
)
def test_the_command_in_a_text_is_found(text: str, command: str) -> None:
    assert commands_in(text) == command


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("Restore the database", "restore.database"),
        ("Service recovery", "runbook"),
        ("Full system recovery", "restore.system"),
        ("Roll back the release", "rollback"),
        ("Change management", "change"),
        ("High memory usage", "diagnostics"),
        ("Weekly updates", "update"),
        ("The history of the house", ""),
    ],
)
def test_what_a_title_says_that_a_procedure_is_for(text: str, purpose: str) -> None:
    assert purpose_in(text) == purpose


def test_a_variable_measures_what_it_comes_from() -> None:
    script = "KB=$(ps -p 1 -o rss)\nMB=$((KB / 1024))\nUSED=$(df /)\nOTHER=1\ntrue"
    manual = read_manual(f"```bash\n{script}\n```\n", "m.md")
    view = list(views(manual))[-1]
    assert [metric_of(view, name) for name in ("KB", "MB", "USED", "OTHER", "NEVER_SET")] == ["memory", "memory", "disk", "", ""]


def test_a_script_that_defines_itself_in_a_circle_ends() -> None:
    assert last("A=$B\nB=$A\nif [ $A -gt 5 ]; then echo x; fi").fate is Fate.STEP


@pytest.mark.parametrize(
    "script",
    [
        "[ ! -f /srv/shop/backup.conf ] && touch /srv/shop/backup.conf",
        "if [ -f /tmp/backup.lock ]; then\n  rm /tmp/backup.lock\nfi",
        '[ -f "/home/$user/.ssh/authorized_keys" ]',
        "[ -d /backups ]",
    ],
)
def test_a_file_that_no_job_leaves_behind_is_not_looked_for(script: str) -> None:
    assert not judged(script)[0].drafts


def test_an_answer_that_is_compared_is_a_rule() -> None:
    script = 'status=$(curl -s http://127.0.0.1:8080/health | jq -r .status)\nif [ "$status" != UP ]; then echo down; fi'
    assert judged(script)[1].fate is Fate.RULE


def test_a_pause_is_a_part_of_the_look_that_follows() -> None:
    found = judged("sleep 30\ncurl -f http://127.0.0.1:8080/health", "Database recovery")[0]
    assert found.capabilities == ("restore.database", "check.http")
