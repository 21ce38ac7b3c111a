"""Services, disks, memory and processes: what looks becomes a check, what changes a step."""

from typing import Any

import pytest

from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate
from tests.import_judging import Case, holds, judged, last

CHECK, STEP, LOGS = "check", "runbook step", "log policy"


@pytest.mark.parametrize(
    "case",
    [
        Case("systemctl is-active shop", CHECK, "check.service", "systemd.status"),
        Case("sudo systemctl status shop --no-pager -l", CHECK, "check.service", "systemd.status", "Morning round"),
        Case("service shop status", CHECK, "check.service", "systemd.status"),
        Case("systemctl is-enabled shop", CHECK, "check.service", "systemd.is_enabled"),
        Case("if ! systemctl is-active --quiet shop; then true; fi\nsystemctl restart shop", STEP, "runbook", "systemd.restart"),
        Case("systemctl stop postgresql", STEP, "restore.database", "systemd.stop", "Database recovery"),
        Case("systemctl daemon-reload", STEP, "restore.system", "systemd.daemon_reload", "Full system recovery"),
        Case("systemctl enable --now shop", STEP, "runbook", "systemd.enable"),
        Case("systemctl restart shop --job-mode=fail", STEP, "runbook", ""),
        Case("systemctl status shop > /tmp/incident.txt", STEP, "incident.evidence", "systemd.status", "Incident response"),
        Case("systemctl list-timers --all", STEP, "diagnostics", "systemd.list_timers"),
        Case("journalctl -u shop --since '1 hour ago'", LOGS, "diagnostics", "systemd.journal", "Shop is down: troubleshooting"),
        Case("journalctl -u shop -f", LOGS, "logs.analyse", "systemd.journal", "Daily log review"),
        Case("journalctl --vacuum-time=7d", LOGS, "logs.cleanup", "systemd.vacuum_journal"),
        Case("journalctl -u shop > /tmp/shop.txt", STEP, "incident.evidence", "systemd.save_journal", "Incident response"),
        Case("logwatch --range yesterday", LOGS, "logs.analyse", "logs.logwatch"),
        Case("df -h /srv", CHECK, "check.host", "disk.usage"),
        Case("df -h", CHECK, "capacity", "disk.usage", "Capacity planning"),
        Case("echo \"Disk: $(df -h /srv | awk 'NR==2{print $5}')\"", CHECK, "check.host", "disk.usage"),
        Case("du -sh /srv/images", CHECK, "capacity", "disk.size_of"),
        Case("find / -type f -size +100M | head -20", STEP, "diagnostics", "files.find_large", "Disk space issues"),
        Case("iostat -x 1 5", STEP, "check.host", "disk.iostat"),
        Case("free -h", CHECK, "check.host", "memory.usage"),
        Case("free -m > /tmp/memory.txt", STEP, "incident.evidence", "", "Incident response"),
        Case("uptime", CHECK, "check.host", "host.load"),
        Case("vmstat 1 5", STEP, "check.host", "host.vmstat"),
        Case("htop", CHECK, "check.host", "host.processes"),
        Case("ps aux | grep shop-server | grep -v grep", CHECK, "check.process", "process.find"),
        Case("pgrep -f shop-server", CHECK, "check.process", "process.find"),
        Case("ps aux --sort=-%mem | head -10", STEP, "diagnostics", "process.list"),
        Case("ps aux | grep shop >> /tmp/incident.txt", STEP, "incident.evidence", "process.save_list", "Incident response"),
        Case("pkill -f shop-worker", STEP, "runbook", "process.signal"),
        Case("sudo reboot", STEP, "runbook", "host.reboot"),
        Case("uname -a", STEP, "diagnostics", "host.uname"),
        Case("last -n 20", STEP, "security.auth", "host.last"),
        Case("printenv | grep SHOP | sort", STEP, "env.audit", "host.printenv"),
        Case("ulimit -n 65536", STEP, "tuning", "host.set_limit"),
        Case("jmap -histo $(pgrep java) | head -20", STEP, "diagnostics", "java.heap_histogram"),
        Case("jstat -gc $(pgrep java) 5s", STEP, "diagnostics", "java.garbage_collection"),
        Case('JAVA_OPTS="-Xms1g -Xmx2g -XX:+UseG1GC"', "configuration example", "tuning", ""),
        Case("sysctl -p", STEP, "tuning", "host.set_kernel_parameter"),
        Case("echo 'vm.swappiness = 10' >> /etc/sysctl.conf", STEP, "tuning", "host.set_kernel_parameter"),
    ],
    ids=str,
)
def test_what_a_line_becomes(case: Case) -> None:
    holds(case)


@pytest.mark.parametrize(
    ("line", "kind", "settings"),
    [
        ("systemctl status shop.service", "systemd", {"unit": "shop"}),
        ("sudo systemctl is-active shop@1", "systemd", {"unit": "shop@1"}),
        ("systemctl is-failed backup.timer", "systemd", {"unit": "backup.timer", "state": "not-failed"}),
        ("docker exec web systemctl status shop", "command", {"run": ["docker", "exec", "web", "systemctl", "status", "shop"]}),
        ("systemctl is-enabled shop", "command", {"run": ["systemctl", "is-enabled", "--quiet", "shop"]}),
        ("df -h", "host", {"mount": "/"}),
        ("df -i /srv/shop/", "host", {"mount": "/srv/shop", "inodes": {}}),
        ("DATA=/srv/data\ndf $DATA | tail -1", "host", {"mount": "/srv/data"}),
        ("du -sh /srv/images", "command", {"run": ["du", "-sh", "/srv/images"]}),
        ("free", "host", {"memory": {}}),
        ("uptime", "host", {"load": {}}),
        ("load=$(cut -d' ' -f1 /proc/loadavg)", "host", {"load": {}}),
        ("top -bn1 | grep 'Cpu(s)'", "host", {"cpu": {}}),
        ("ps aux | grep [s]hop-server", "process", {"match": "shop-server"}),
        ("ps -ef | grep shop.jar", "process", {"match": r"shop\.jar"}),
        ("pidof nginx", "process", {"name": "nginx"}),
        ("PID=$(pgrep -f shop-server)\nMEMORY=$(ps -p $PID -o rss --no-headers)", "process", {"match": "shop-server"}),
    ],
)
def test_what_a_check_asks(line: str, kind: str, settings: dict[str, Any]) -> None:
    (draft,) = last(line).drafts
    assert isinstance(draft, CheckDraft)
    assert (draft.kind, draft.settings) == (kind, settings)


def test_several_units_are_several_checks() -> None:
    names = [draft.name for draft in last("systemctl status shop nginx").drafts if isinstance(draft, CheckDraft)]
    assert names == ["service-shop", "service-nginx"]


def test_a_screen_for_a_person_is_checked_by_its_two_figures() -> None:
    drafts = [draft for draft in last("htop").drafts if isinstance(draft, CheckDraft)]
    assert [draft.measures for draft in drafts] == [("cpu",), ("memory",)]


def test_of_a_process_chosen_by_number_the_finder_says_whose_it_is() -> None:
    (draft,) = last("PID=$(pgrep -f shop-server)\nCPU=$(ps -p $PID -o %cpu --no-headers)").drafts
    assert isinstance(draft, CheckDraft)
    assert draft.measures == ("cpu",)


@pytest.mark.parametrize("line", ["systemctl status $UNIT", "df -h <mount>", "ps aux | grep <process>", "du -sh images/"])
def test_what_is_not_supplied_is_named_and_nothing_runs(line: str) -> None:
    found = last(line)
    assert (found.fate, found.disposition) == (Fate.CHECK, Disposition.MISSING)
    assert found.missing


def test_what_runs_elsewhere_is_no_check_of_this_host() -> None:
    (draft,) = last("ssh shop-1 df -h /srv").drafts or (None,)
    assert draft is None or (isinstance(draft, CheckDraft) and draft.kind == "command")


def test_a_package_manager_that_may_not_be_there_is_not_checked() -> None:
    script = "if command -v yum; then\n  yum check-update\nfi"
    assert [len(found.drafts) for found in judged(script)] == [0, 0]
    assert len(last("yum check-update").drafts) == 1


@pytest.mark.parametrize("line", ["du -sh ~/images", "du -sh /srv/{a,b}", "du -sh /srv/*"])
def test_what_only_a_shell_can_read_is_not_run_without_one(line: str) -> None:
    assert last(line).drafts == ()
