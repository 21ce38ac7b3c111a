"""A P1 playbook on a host with a real systemd: units that were killed, fail, are masked or hang, and Keepwell killed meanwhile."""

import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from keepwell.rooms.manual.importing.decide import import_manual
from tests.runs_hosted import SETTINGS, HostedRuns
from tests.support import need, outside, wait_until
from tests.systemd_host import SystemdHost, booted

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("systemd-host"), pytest.mark.timeout(300)]

SERVER = """\
#!/usr/bin/env python3
import http.server, os, sys, time
if os.path.exists("/opt/audiodeck/broken"):
    time.sleep(1)
    sys.exit("the configuration cannot be read")
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()
        self.wfile.write(b'{"status": "healthy"}')
http.server.HTTPServer(("127.0.0.1", 3001), Health).serve_forever()
"""
"""What the manual operates. Where it is broken, it ends a second after it was started, as programs do that read their configuration."""

STUBBORN = "ExecStart=/bin/sh -c 'trap \"\" TERM; while :; do sleep 1; done'\n"
UNITS = {
    "audiodeck": f"ExecStart={sys.executable} /opt/audiodeck/audiodeck-server\nStandardError=journal\n",
    "no-program": "ExecStart=/nonexistent\n",
    "no-user": "User=nobody-of-that-name\nExecStart=/bin/sleep 600\n",
    "fails-before": "ExecStartPre=/bin/false\nExecStart=/bin/sleep 600\n",
    "never-ready": "Type=notify\nExecStart=/bin/sleep 600\nTimeoutStartSec=2\n",
    "misspelt": "ExecStartt=/bin/sleep 600\n",
    "loops": "Restart=always\nRestartSec=700ms\nExecStart=/bin/sleep 0.7\n[Unit]\nStartLimitIntervalSec=0\n",
    "once": "Type=oneshot\nExecStart=/bin/sleep 0.5\n",
    "stubborn": STUBBORN + "TimeoutStopSec=4\n",
    "stuck": STUBBORN + "TimeoutStopSec=infinity\n",
    "unhurried": "ExecStart=/bin/sleep 600\nExecStop=/bin/sleep 6\nExecReload=/bin/sleep 6\n",
}

P1 = """\
---
title: P1
---

```sh {"name": "assess", "operation": "systemd.status"}
systemctl status audiodeck
```

```sh {"name": "restart", "operation": "systemd.restart"}
systemctl restart audiodeck
```

```sh {"name": "verify", "verify": "curl -fsS http://localhost:3001/health"}
systemctl is-active audiodeck
```

```sh {"name": "collect-diagnostics"}
journalctl --no-pager -u audiodeck --since "1 hour ago"
ps aux | grep '[a]udiodeck-server' || echo "no process"
netstat -tlnp | grep 3001 || echo "nothing listens"
```

- [ ] Escalate to the engineer on call
"""


def deed(verb: str, unit: str, more: str = "") -> str:
    """A runbook of one step."""
    return f'```sh {{"name": "{verb}", "operation": "systemd.{verb}"{more}}}\nsystemctl {verb} {unit}\n```\n'


BOOKS = {
    "p1": P1,
    **{f"{verb}-{unit}": deed(verb, unit) for unit in (*UNITS, "masked", "missing") for verb in ("restart", "status")},
    "start-once": deed("start", "once"),
    "reload-unhurried": deed("reload", "unhurried"),
    "restart-own": deed("restart", "own"),
    "restart-stuck": deed("restart", "stuck", ', "timeout": "5s"'),
}


@pytest.fixture(scope="module")
def host() -> Iterator[SystemdHost]:
    need("netstat")
    with booted("runs") as machine:
        machine.write("/opt/audiodeck/audiodeck-server", SERVER, mode="755")
        for name, text in UNITS.items():
            machine.write(f"/etc/systemd/system/{name}.service", f"[Service]\n{text}")
        machine.run("ln", "-s", "/dev/null", "/etc/systemd/system/masked.service")
        machine.systemctl("daemon-reload")
        yield machine


@pytest.fixture(scope="module")
def prepared(host: SystemdHost) -> HostedRuns:
    settings = f"{SETTINGS}services:\n  own: {{systemd: {{unit: of-the-user.service, user: true}}}}\n"
    return HostedRuns(host, {**BOOKS, **_of_the_manual()}, settings)


@pytest.fixture
def runs(prepared: HostedRuns) -> Iterator[HostedRuns]:
    """Keepwell, started as the unit that we ship is; afterwards stopped."""
    prepared.start()
    try:
        yield prepared
    finally:
        prepared.stop()


def _killed(host: SystemdHost) -> tuple[str, str]:
    """The service runs, and then its process is killed; which process and which start of it that was."""
    host.run("rm", "-f", "/opt/audiodeck/broken")
    host.systemctl("reset-failed", "audiodeck", check=False)
    host.systemctl("restart", "audiodeck")
    wait_until(lambda: host.run("curl", "-fsS", "http://localhost:3001/health", check=False).returncode == 0, 20, "a healthy service")
    process, instance = host.show("audiodeck", "MainPID", "InvocationID")
    host.run("kill", "-KILL", process)
    wait_until(lambda: host.show("audiodeck", "ActiveState") == ["failed"], 10, "a service that died")
    return process, instance


def _step(run: Any, name: str) -> Any:
    return next(step for step in run["steps"] if step["name"] == name)


def test_a_playbook_brings_a_killed_unit_back(host: SystemdHost, runs: HostedRuns) -> None:
    process, instance = _killed(host)
    run = runs.run("p1")
    assert (run["state"], run["sentence"]) == ("waiting", "step 5 (escalate-to-the-engineer-on-call): a person does it, and ticks it")
    active, now, another = host.show("audiodeck", "ActiveState", "MainPID", "InvocationID")
    assert active == "active"
    assert now not in ("0", process)
    assert another != instance
    assert [(step["name"], step["state"], step["sentence"]) for step in run["steps"]][:2] == [
        ("assess", "done", "audiodeck is failed (failed): it was ended by a signal"),
        ("restart", "done", "audiodeck is active (running)"),
    ]
    assert "healthy" in _step(run, "verify")["sentence"] or "says yes" in _step(run, "verify")["sentence"]
    assert "Main process exited, code=killed, status=9/KILL" in runs.output(run["id"], "assess")
    diagnostics = runs.output(run["id"], "collect-diagnostics")
    assert "Started audiodeck.service" in diagnostics
    assert f" {now} " in diagnostics
    assert "127.0.0.1:3001" in diagnostics
    assert run["seconds"] < 60
    ticked = runs.said("runs", "tick", str(run["id"]), "escalate-to-the-engineer-on-call", "--note", "told Maria")
    assert runs.until(ticked["id"], "done")["sentence"] == "5 steps done"


def test_a_unit_that_fails_a_moment_after_its_start(host: SystemdHost, runs: HostedRuns) -> None:
    _killed(host)
    host.run("touch", "/opt/audiodeck/broken")
    run = runs.run("p1")
    number = str(run["id"])
    assert (run["state"], run["sentence"]) == (
        "failed",
        "step 2 (restart) failed: audiodeck is failed (failed): its process ended with status 1",
    )
    assert run["seconds"] < 40
    after = runs.said("runs", "resume", number, "--skip", "--note", "it does not start")
    assert (after["state"], _step(after, "verify")["state"]) == ("failed", "failed")
    after = runs.said("runs", "resume", number, "--skip")
    assert after["state"] == "waiting"
    diagnostics = runs.output(run["id"], "collect-diagnostics")
    assert "the configuration cannot be read" in diagnostics
    assert "nothing listens" in diagnostics
    host.run("rm", "/opt/audiodeck/broken")
    assert runs.run("restart-audiodeck")["state"] == "done"


@pytest.mark.parametrize(
    ("unit", "said", "stands"),
    [
        ("no-program", "", "is failed (failed): its program cannot be started"),
        ("no-user", "", "is failed (failed): its user is not there"),
        (
            "fails-before",
            "Job for fails-before.service failed because the control process exited with error code.",
            "is failed (failed): a program of it ended with a failure",
        ),
        (
            "never-ready",
            "Job for never-ready.service failed because a timeout was exceeded.",
            "is failed (failed): it took longer than its unit file allows",
        ),
        (
            "misspelt",
            "Failed to restart misspelt.service: Unit misspelt.service has a bad unit file setting.",
            "is inactive (dead): its unit file has a setting that systemd does not understand",
        ),
        (
            "masked",
            "Failed to restart masked.service: Unit masked.service is masked.",
            "is inactive (dead): it is masked: it cannot be started until systemctl unmask",
        ),
    ],
)
def test_units_that_cannot_be_started(runs: HostedRuns, unit: str, said: str, stands: str) -> None:
    run = runs.run(f"restart-{unit}")
    began = f'it ended with status 1 ("{said}"); ' if said else ""
    assert (run["state"], run["steps"][0]["sentence"]) == ("failed", f"{began}{unit} {stands}")
    assert run["seconds"] < 25
    looked = runs.run(f"status-{unit}")
    assert (looked["state"], looked["steps"][0]["sentence"]) == ("done", f"{unit} {stands}")
    assert looked["seconds"] < 15


def test_a_unit_that_there_is_not(runs: HostedRuns) -> None:
    run = runs.run("restart-missing")
    said = '"Failed to restart missing.service: Unit missing.service not found."'
    assert (run["state"], run["steps"][0]["sentence"]) == ("failed", f"it ended with status 5 ({said}); systemd knows no unit missing")
    looked = runs.run("status-missing")
    assert (looked["state"], looked["steps"][0]["sentence"]) == ("failed", "systemd knows no unit missing")
    assert looked["seconds"] < 15


def test_a_unit_that_is_started_again_and_again_is_not_well(runs: HostedRuns, host: SystemdHost) -> None:
    run = runs.run("restart-loops")
    assert run["state"] == "failed"
    assert "it does not stay: " in run["sentence"]
    assert run["seconds"] < 60
    host.systemctl("stop", "loops")


def test_a_unit_that_does_its_work_and_ends_is_done(runs: HostedRuns) -> None:
    for name in ("start-once", "restart-once"):
        run = runs.run(name)
        assert (run["state"], run["steps"][0]["sentence"]) == ("done", "once is inactive (dead)")
        assert run["seconds"] < 20


def test_a_unit_that_does_not_want_to_stop(host: SystemdHost, runs: HostedRuns) -> None:
    host.systemctl("start", "stubborn")
    (before,) = host.show("stubborn", "MainPID")
    run = runs.run("restart-stubborn")
    assert (run["state"], run["steps"][0]["sentence"]) == ("done", "stubborn is active (running)")
    assert host.show("stubborn", "MainPID") != [before]
    assert 4 < run["seconds"] < 40
    host.systemctl("stop", "stubborn")


def test_a_unit_that_never_stops_does_not_hold_a_run_for_ever(host: SystemdHost, runs: HostedRuns) -> None:
    host.systemctl("start", "stuck")
    (before,) = host.show("stuck", "MainPID")
    run = runs.run("restart-stuck")
    assert (run["state"], run["sentence"]) == (
        "failed",
        "step 1 (restart) failed: it was ended after 5 s, its time limit; stuck is deactivating (stop-sigterm)",
    )
    assert run["seconds"] < 40
    host.run("kill", "-KILL", before)  # what systemd was told goes on: it starts the unit now
    wait_until(lambda: host.show("stuck", "ActiveState") == ["active"], 10, "the other half of the restart")
    host.run("sh", "-c", 'sleep 2; kill -KILL "$(systemctl show --property=MainPID --value stuck)"')
    again = runs.said("runs", "resume", str(run["id"]), "--repeat")
    assert (again["state"], again["steps"][0]["attempt"], again["steps"][0]["sentence"]) == ("done", 2, "stuck is active (running)")
    host.run("sh", "-c", 'systemctl stop --no-block stuck; kill -KILL "$(systemctl show --property=MainPID --value stuck)"')


def test_a_systemd_that_does_not_answer_is_said(host: SystemdHost, runs: HostedRuns) -> None:
    os.kill(host.leader, signal.SIGSTOP)
    try:
        run = runs.run("status-audiodeck")
    finally:
        os.kill(host.leader, signal.SIGCONT)
    step = run["steps"][0]
    assert run["state"] == "failed"
    assert step["sentence"].endswith("systemd did not say within 10 s how audiodeck stands")
    assert run["seconds"] < 75
    assert runs.run("status-audiodeck")["state"] == "done"


def test_a_unit_of_the_users_own_systemd(host: SystemdHost, runs: HostedRuns) -> None:
    host.write("/root/.config/systemd/user/of-the-user.service", "[Service]\nExecStart=/bin/sleep 600\n")
    host.systemctl("start", "user@0")
    run = runs.run("restart-own")
    assert (run["state"], run["steps"][0]["sentence"]) == ("done", "own is active (running)")
    host.systemctl("stop", "user@0")


# --- Keepwell is killed while a step is in flight ----------------------------------------------------------------------------


def _in_flight(host: SystemdHost, runs: HostedRuns, verb: str, state: str) -> tuple[int, int]:
    """A unit that runs, and a run whose step has told systemd something that takes six seconds; the run's number, and how often the unit
    had been started before."""
    host.systemctl("reset-failed", "unhurried", check=False)
    host.systemctl("start", "unhurried")
    starts = _starts(host)
    number = runs.begin(f"{verb}-unhurried")
    wait_until(lambda: host.show("unhurried", "ActiveState") == [state], 20, f"a unit that is {state}")
    return number, starts


def _starts(host: SystemdHost) -> int:
    return host.journal("unhurried").count("Started unhurried.service")


@pytest.mark.parametrize("kill_mode", ["process", "mixed"])
def test_a_restart_in_flight_is_done_once_whatever_is_killed(host: SystemdHost, prepared: HostedRuns, kill_mode: str) -> None:
    """With ``process`` the step outlives Keepwell. With ``mixed``, as in the unit that we ship, systemd ends it too: its manager tells."""
    prepared.start(kill_mode)
    try:
        number, starts = _in_flight(host, prepared, "restart", "deactivating")
        (before,) = host.show("unhurried", "InvocationID")
        prepared.kill()
        prepared.start(kill_mode)
        run = prepared.until(number, "done", "failed", "asks")
        (after,) = host.show("unhurried", "InvocationID")
        step = run["steps"][0]
        assert (run["state"], step["attempt"], _starts(host) - starts, before == after) == ("done", 1, 1, False), run
        told = "unhurried is active (running)"
        expected = told if kill_mode == "process" else f"interrupted; {told}, another one than before the step"
        assert step["sentence"] == expected
    finally:
        prepared.stop()


LATE = """\
#!/bin/sh
if [ "$1" = restart ] && [ -e /run/late ]; then touch /run/asked; sleep 30; fi
exec /usr/bin/systemctl "$@"
"""


def test_a_restart_that_systemd_never_heard_of_begins_again(host: SystemdHost, runs: HostedRuns) -> None:
    host.write("/usr/local/bin/systemctl", LATE, mode="755")
    try:
        host.systemctl("start", "unhurried")
        starts = _starts(host)
        host.run("touch", "/run/late")
        number = runs.begin("restart-unhurried")
        wait_until(lambda: host.run("test", "-e", "/run/asked", check=False).returncode == 0, 20, "a step under way")
        runs.kill()
        host.run("rm", "/run/late")
        runs.start()
        run = runs.until(number, "done", "failed", "asks")
        assert (run["state"], run["steps"][0]["attempt"], _starts(host) - starts) == ("done", 2, 1), run
    finally:
        host.run("rm", "-f", "/usr/local/bin/systemctl", "/run/late", "/run/asked")


def test_a_reload_in_flight_of_which_nobody_can_tell_is_asked(host: SystemdHost, runs: HostedRuns) -> None:
    number, starts = _in_flight(host, runs, "reload", "reloading")
    runs.kill()
    runs.start()
    run = runs.until(number, "done", "failed", "asks")
    assert (run["state"], run["steps"][0]["sentence"]) == ("asks", "interrupted; unhurried is active (running)")
    skipped = runs.said("runs", "resume", str(number), "--skip", "--note", "looked")
    assert (skipped["state"], _starts(host)) == ("done", starts)


# --- the manual's own script -------------------------------------------------------------------------------------------------


def _of_the_manual() -> dict[str, str]:
    """The manual's own P1 script, verbatim; and as its import writes it, with a verification. Nothing where the manual is absent."""
    try:
        manual = outside("manuals", "audiodeck-connect.md")
    except pytest.skip.Exception:
        return {}
    script = manual.read_text("utf-8").partition("#### **P1 - Critical Incident Response**\n```bash\n")[2].partition("```")[0]
    assert script.startswith("#!/bin/bash\n# /opt/audiodeck/scripts/incident-p1-response.sh\n")
    imported = import_manual(manual.read_bytes(), manual.name, {}).files["runbooks/p1-critical-incident-response.md"]
    name = '{"name": "incident-p1-response"'
    assert name in imported
    return {
        "manual-p1": f"```bash {name}}}\n{script}```\n",
        "manual-p1-imported": imported.replace(name, f'{name}, "verify": "curl -fsS http://localhost:3001/health"'),
    }


def _collected(host: SystemdHost) -> str:
    return host.run("bash", "-c", "cat /tmp/incident-logs-*.txt", check=False).stdout


def test_the_manuals_own_script_restarts_what_was_killed(host: SystemdHost, runs: HostedRuns) -> None:
    outside("manuals", "audiodeck-connect.md")
    process, instance = _killed(host)
    run = runs.run("manual-p1")
    assert (run["state"], run["steps"][0]["status"]) == ("done", 0), run
    said = runs.output(run["id"], "incident-p1-response")
    assert "Active: failed" in said
    assert "Service restarted successfully" in said
    assert '{"status": "healthy"}' in said
    assert "P1 INCIDENT RESPONSE COMPLETE" in said
    state, now, another = host.show("audiodeck", "ActiveState", "MainPID", "InvocationID")
    assert state == "active"
    assert now != process
    assert another != instance
    assert _collected(host) == ""


def test_the_manuals_own_script_collects_and_says_done_though_nothing_works(host: SystemdHost, runs: HostedRuns) -> None:
    """It ends with status 0 either way, as its author wrote it. As imported, and with a verification, the step fails."""
    outside("manuals", "audiodeck-connect.md")
    _killed(host)
    host.run("touch", "/opt/audiodeck/broken")
    try:
        run = runs.run("manual-p1")
        said = runs.output(run["id"], "incident-p1-response")
        assert "Service restart failed" in said
        assert "5. Escalating to on-call engineer..." in said
        assert "the configuration cannot be read" in _collected(host)
        assert run["state"] == "done"
        judged = runs.run("manual-p1-imported")
        assert judged["state"] == "failed"
        assert "it ended well, and its effect is not there" in judged["sentence"]
    finally:
        host.run("bash", "-c", "rm -f /opt/audiodeck/broken /tmp/incident-logs-*.txt")
