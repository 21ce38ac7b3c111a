"""Packages, scanners, certificates, versions, accounts and permissions."""

from typing import Any

import pytest

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, Fate
from tests.import_judging import Case, holds, last

CHECK, STEP = "check", "runbook step"


@pytest.mark.parametrize(
    "case",
    [
        Case("sudo apt update", STEP, "security.updates", "apt.update"),
        Case("sudo apt-get upgrade -y", STEP, "security.updates", "apt.upgrade"),
        Case("apt list --upgradable 2>/dev/null | grep -i security | wc -l", CHECK, "security.updates", "apt.list_upgradable"),
        Case("dnf check-update", CHECK, "security.updates", "dnf.list_upgradable"),
        Case("apt install -y k6", STEP, "loadtest", "apt.install"),
        Case("sudo apt install clamav", STEP, "security.vulnerabilities", "apt.install"),
        Case("apt autoremove -y", STEP, "cleanup", "apt.autoremove"),
        Case("apt upgrade -o Dpkg::Options::=--force-confold", STEP, "security.updates", ""),
        Case("pip install -r requirements.txt", STEP, "update", "pip.install"),
        Case("certbot renew --dry-run", STEP, "security.certificates", "certbot.renew_dry_run"),
        Case("certbot renew --quiet --deploy-hook 'systemctl reload nginx'", STEP, "security.certificates", "certbot.renew"),
        Case("trivy image registry.local/shop:1.4", STEP, "security.vulnerabilities", "trivy.image"),
        Case("trivy image --exit-code 1 registry.local/shop:1.4", CHECK, "security.vulnerabilities", "trivy.image"),
        Case("clamscan -r /srv/shop", STEP, "security.vulnerabilities", "clamscan.scan"),
        Case("npm audit", STEP, "security.vulnerabilities", "npm.audit"),
        Case("npm audit --audit-level=high", CHECK, "security.vulnerabilities", "npm.audit"),
        Case("npm update", STEP, "update", "npm.update"),
        Case("npm outdated", STEP, "security.updates", "npm.outdated"),
        Case("npx prisma migrate deploy", STEP, "update", "prisma.migrate_deploy"),
        Case("cargo audit", STEP, "security.vulnerabilities", "cargo.audit"),
        Case("cargo build --release", STEP, "deploy", "cargo.build", "Deploy a release"),
        Case("cargo test --release", STEP, "change", "cargo.test"),
        Case("cargo build --config net.offline=true", STEP, "deploy", ""),
        Case("make deploy", STEP, "deploy", ""),
        Case("git pull origin main", STEP, "deploy", "git.pull", "Deployment"),
        Case("git pull origin main", STEP, "update", "git.pull", "Application update"),
        Case("git commit -m 'Change 12'", STEP, "change", "git.commit", "Change management"),
        Case("git log --oneline --since='1 day ago'", STEP, "diagnostics", "git.log", "Root cause analysis: diagnosis"),
        Case("git reset --hard HEAD~1", STEP, "rollback", "git.reset"),
        Case("git filter-branch --all", STEP, "change", ""),
        Case("gh pr create --title Change --body Why", STEP, "change", "github.pr_create"),
        Case("gh pr frobnicate", STEP, "change", ""),
        Case("sudo useradd -m -s /bin/bash -G shop newcomer", STEP, "security.accounts", "accounts.useradd"),
        Case("userdel -r leaver", STEP, "security.accounts", "accounts.userdel"),
        Case("passwd shop", STEP, "security.secrets", "accounts.passwd", "Incident response"),
        Case("getent passwd shop", CHECK, "security.accounts", "accounts.look_up"),
        Case("getent passwd | grep shop", STEP, "security.accounts", "accounts.look_up"),
        Case("grep -Po '^sudo.+:\\K.*$' /etc/group", STEP, "security.accounts", "accounts.read"),
        Case("chmod 640 /etc/shop.conf", STEP, "security.permissions", "files.chmod"),
        Case("chown -R shop:shop /srv/shop", STEP, "security.permissions", "files.chown", "Access control"),
        Case("find /srv/shop -type f -perm /o+w", CHECK, "security.permissions", "files.find_by_permission"),
        Case("find /srv/shop -perm /o+w -exec chmod o-w {} +", STEP, "security.permissions", ""),
        Case("echo down | mail -s Alert oncall@shop.internal", STEP, "notify", "mail.send"),
    ],
    ids=str,
)
def test_what_a_line_becomes(case: Case) -> None:
    holds(case)


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("apt list --upgradable", {"reboot": "ok"}),
        ("yum check-update", {"reboot": "ok"}),
        ("zypper list-updates", {"run": ["zypper", "check-update"]}),
        ("getent passwd shop >> audit.txt", {"run": ["getent", "passwd", "shop"]}),
        ("find /srv -perm /o+w", {"path": "/srv", "world_writable": {}}),
        ("find /srv/shop/ -type f -perm -0002 -print", {"path": "/srv/shop", "world_writable": {}}),
        ("find /srv -type f -perm 777", {"path": "/srv", "world_writable": {}}),
        (
            "find /srv -perm /o+w -name '*.sh'",
            {"run": ["find", "/srv", "-perm", "/o+w", "-name", "*.sh"], "expect": {"output_matches": "^$"}},
        ),
        ("find /srv -perm -4000", {"run": ["find", "/srv", "-perm", "-4000"], "expect": {"output_matches": "^$"}}),
        (
            "IMAGE=registry.local/shop:1.4\ntrivy image --exit-code 1 $IMAGE",
            {"run": ["trivy", "image", "--exit-code", "1", "registry.local/shop:1.4"]},
        ),
    ],
)
def test_what_a_check_asks(line: str, settings: dict[str, Any]) -> None:
    (draft,) = last(line).drafts
    assert isinstance(draft, CheckDraft)
    kind = "command" if "run" in settings else "updates" if "reboot" in settings else "file"
    assert (draft.kind, draft.settings) == (kind, settings)
    assert verbs.check_problem(kind, settings) == ""


@pytest.mark.parametrize(
    ("line", "capability", "operation"),
    [
        ("vim /etc/logrotate.d/shop", "logs.rotate", "person.edit"),
        ("sudo nano /etc/shop/alerting.yml", "rule", "person.edit"),
        ("crontab -e", "schedule", "cron.edit"),
        ("open http://dashboard.shop.internal", "dashboard", "person.open"),
    ],
)
def test_what_opens_something_is_for_a_person(line: str, capability: str, operation: str) -> None:
    found = last(line)
    assert (found.fate, found.disposition) == (Fate.STEP, Disposition.HUMAN)
    assert (found.capabilities[0], found.operation) == (capability, operation)


def test_an_audit_of_dependencies_asks_for_the_folder_it_looks_at() -> None:
    line = "npm audit --audit-level=high"
    assert [missing.name for missing in last(line).missing] == ["WORKING_FOLDER"]
    (draft,) = last(line, values={"WORKING_FOLDER": "/srv/shop"}).drafts
    assert isinstance(draft, CheckDraft)
    assert draft.settings == {"run": ["npm", "audit", "--audit-level=high"], "directory": "/srv/shop"}
