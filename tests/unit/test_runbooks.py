"""Runbooks, purely: what a step would do and what it destroys, what happens next in a run, and what people's words change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keepwell.config.executables import Executable
from keepwell.config.runbook_text import read_runbook
from keepwell.config.runbooks import Runbook, Step
from keepwell.kernel.problems import Refused, UsageError
from keepwell.ports.scripts import Ended
from keepwell.ports.work import Outcome
from keepwell.rooms.runbooks import decide
from keepwell.rooms.runbooks.dangers import danger
from keepwell.rooms.runbooks.decide import Ask, Begin, Finish, Leave, Recover, Wait
from keepwell.rooms.runbooks.managers.systemd import DRIVER
from keepwell.rooms.runbooks.model import Ready, Run, State, Way
from keepwell.rooms.runbooks.prepare import Around, executables, interpreter, prepare
from keepwell.rooms.runbooks.services import Service

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


def around(accepted: bool = True, checks: frozenset[str] = frozenset()) -> Around:
    """Everything is accepted by Anna, or nothing."""

    def verdict(executable: Executable) -> tuple[str, str]:
        return ("anna", "") if accepted else ("", "nobody accepted it yet")

    return Around(verdict, lambda host: (host, "ops"), checks=checks)


def ready(text: str, accepted: bool = True, checks: frozenset[str] = frozenset()) -> Ready:
    """A runbook of that text, prepared."""
    return prepare(read_runbook("runbooks/r.md", text), around(accepted, checks))


def step(name: str, body: str = "echo", more: str = "") -> str:
    """The text of a step."""
    return f'```sh {{"name": "{name}"{more}}}\n{body}\n```\n\n'


def run_of(book: Ready, **states: State) -> Run:
    """A run of a runbook whose steps are in these states."""
    steps = decide.first_steps(book, (), "maria", confirmed=False)
    told = tuple(replace(one, state=states.get(one.name, State.WAITING)) for one in steps)
    return Run(7, "by/maria/1", book.path, book.title, "maria", NOW, steps=told)


# --- what a step destroys ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("rm -rf /srv/old", "deletes files"),
        ("cd /srv && rm x", "deletes files"),
        ("sudo -n rm x", "deletes files"),
        ("find /tmp -mtime +7 -delete", "deletes files"),
        ("if true; then mv a b; fi", "moves files"),
        ("X=1 cp a b", "writes over files"),
        ("tar -xzf backup.tar.gz", "unpacks over what is there"),
        ("systemctl --no-block restart shop", "changes a service"),
        ("docker compose up -d", "changes containers"),
        ("kubectl -n shop scale deploy/x --replicas=3", "changes a cluster"),
        ("apt-get -y install nginx", "changes packages"),
        ('psql -c "DELETE FROM orders"', "changes a database"),
        ("redis-cli -h x FLUSHALL", "deletes keys"),
        ("iptables -A INPUT -j DROP", "changes rules of the network"),
        ("echo $(rm x)", "deletes files"),
    ],
)
def test_commands_that_destroy_are_found(text: str, what: str) -> None:
    assert danger("", "", text) == what


@pytest.mark.parametrize(
    "text",
    [
        "# rm -rf /srv",
        "systemctl status shop",
        "grep -r rm .",
        "echo alarm mv",
        "iptables -L",
        "tar -tzf backup.tar.gz",
        "docker ps",
        "kubectl get pods",
        "apt list --upgradable",
        'psql -c "SELECT 1"',
        "crontab -l",
        "confirm x",
    ],
)
def test_commands_that_only_look_are_not(text: str) -> None:
    assert danger("", "", text) == ""


def test_an_operation_and_a_rule_of_lint_say_it_too() -> None:
    assert danger("systemd.restart", "", "true") == "restarts a service"
    assert danger("files.delete_older", "", "true") == "deletes files"
    assert danger("", "KW125 KW310", "true") == "is destructive by the rule KW310"
    assert danger("http.get", "KW125", "true") == ""


# --- what a step would do ----------------------------------------------------------------------------------------------------


def test_the_ways_of_steps() -> None:
    book = ready(
        step("plain")
        + step("restarts", "# now\nsystemctl restart shop.service", ', "operation": "systemd.restart"')
        + step("both", "systemctl stop shop\nsleep 5", ', "operation": "systemd.stop"')
        + step("edits", "crontab -e", ', "operation": "cron.edit", "disposition": "human"')
        + step("entry", "0 0 * * * /x", ', "operation": "cron.entry", "disposition": "missing", "missing": "x"')
        + step("waits", "x.sh", ', "disposition": "missing", "missing": "x.sh"')
        + step("never", "rm", ', "disposition": "refused", "rule": "KW310"')
        + '```sql {"name": "query"}\nselect 1\n```\n'
        + "- [ ] Look\n"
    )
    assert book.fault == ""
    ways = {prepared.name: prepared.way for prepared in book.steps}
    assert ways == {
        "plain": Way.SHELL,
        "restarts": Way.SERVICE,
        "both": Way.SHELL,
        "edits": Way.PERSON,
        "entry": Way.ELSEWHERE,
        "waits": Way.MISSING,
        "never": Way.REFUSED,
        "query": Way.REFUSED,
        "look": Way.PERSON,
    }
    restarts = book.step("restarts")
    assert restarts is not None
    assert restarts.executable is not None
    assert (restarts.executable.target, restarts.danger) == ("systemd shop.service", "restarts a service")
    assert [one.name for one in executables(book)] == ["runbooks/r.md#plain", "runbooks/r.md#restarts", "runbooks/r.md#both"]


def test_a_script_that_is_there_now_is_no_longer_missing() -> None:
    text = step("monthly", "python3 /opt/a/analysis.py\nother.sh", ', "disposition": "missing", "missing": "analysis.py other.sh"')
    ways = []
    for there in (set(), {"/opt/a/analysis.py"}, {"/opt/a/analysis.py", "/other.sh"}):
        (prepared,) = prepare(read_runbook("r.md", text), replace(around(), has_program=there.__contains__)).steps
        ways.append((prepared.way, prepared.why))
    assert ways[0] == (Way.MISSING, "nobody supplied analysis.py and other.sh")
    assert ways[1] == ways[2] == (Way.MISSING, "nobody supplied other.sh")
    alone = step("monthly", 'sh -c "/opt/a/analysis.py" && x', ', "disposition": "missing", "missing": "analysis.py"')
    (prepared,) = prepare(read_runbook("r.md", alone), replace(around(), has_program={"/opt/a/analysis.py"}.__contains__)).steps
    assert (prepared.way, prepared.accepted_by) == (Way.SHELL, "anna")


def test_what_else_decides_what_it_does_is_accepted_with_it() -> None:
    head = '---\nenvironment: {PATH: "/evil:/bin"}\nsecrets: {KEY: "secret:SHOP_KEY"}\n---\n'
    (prepared,) = ready(head + step("uses", "echo", ', "asks": "ID", "strict": "false"')).steps
    assert prepared.executable is not None
    assert prepared.executable.text == "# KEY=secret:SHOP_KEY\n# PATH=/evil:/bin\n# asked for at each run: ID\n# strict: false\necho"


@pytest.mark.parametrize(
    ("text", "strict", "argv"),
    [
        ("echo", None, ("bash", "-euo", "pipefail")),
        ("echo", False, ("bash",)),
        ("#!/bin/bash\necho", None, ("/bin/bash",)),
        ("#!/usr/bin/env bash\necho", True, ("/usr/bin/env", "bash", "-euo", "pipefail")),
        ("#!/usr/bin/python3 -I\nprint()", None, ("/usr/bin/python3", "-I")),
    ],
)
def test_the_interpreter(text: str, strict: bool | None, argv: tuple[str, ...]) -> None:
    assert interpreter(Step(1, "x", "sh", text, strict=strict)) == argv


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("---\non: elsewhere\n---\n" + step("a"), "there is no host 'elsewhere'"),
        ("---\nsecrets: {KEY: plain}\n---\n" + step("a"), "the secret KEY of its front matter is no reference"),
        ("---\nenvironment: [a]\n---\n" + step("a"), "environment and secrets of its front matter are names with texts"),
        ("---\nenvironment: {A-B: x}\n---\n" + step("a"), "environment and secrets of its front matter are names with texts"),
        (step("a") + step("a"), 'two steps are called "a"'),
        (step("a", more=', "timeout": "soon"'), "step 1 (a): its timeout: "),
        (
            "```sh {name=restart}\necho\n```\n",
            'step 1 (unreadable): its attributes "sh {name=restart}" cannot be read: write them as one JSON',
        ),
        (step("a", more=', "idempotent": "yes"'), 'step 1 (a): its idempotent is "yes", and not "true" or "false"'),
        ("---\non: elsewhere\n" + step("a"), "its front matter has no end: write a line --- below it"),
        ("---\n- on: elsewhere\n---\n" + step("a"), "its front matter cannot be read: it holds no keys with values"),
        ("---\nenviroment: {A: x}\n---\n" + step("a"), 'its front matter has "enviroment": did you mean "environment"?'),
        ("---\nOn: elsewhere\n---\n" + step("a"), 'its front matter has "On": did you mean "on"?'),
        (step("a", more=', "disposition": "refussed"'), 'step 1 (a): its disposition is "refussed", and none of carried, '),
        (step("a", more=', "timeuot": "5m"'), 'step 1 (a): it has "timeuot": did you mean "timeout"?'),
        (step("a", more=', "asks": "ALERT, ID"'), 'step 1 (a): it asks for "ALERT,", which is no name of a variable'),
        (step("a", more=', "name": "b"'), "step 1 (unreadable): its attributes "),
        ("```sh name=restart\necho\n```\n", "step 1 (unreadable): its attributes "),
        ('```sh {"name": "a"}\necho\n\nThen tell support.\n', "step 1 (a): its fence has no end: close it below its last line"),
        ("```\nprose\n\n" + step("a").replace("```\n", ""), "step 1 (unreadable): its fence has no end"),
    ],
)
def test_what_is_wrong_with_a_runbook(text: str, fault: str) -> None:
    book = ready(text)
    assert book.fault.startswith(fault)
    assert decide.refusal(book, ()).startswith(f"runbooks/r.md cannot be run: {fault}")


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA line across the page.\n" + step("a"),
        "---\n---\n" + step("a"),
        "---\nrunme: {version: v3}\nshell: bash\nown: x\ntags: [shop]\n---\n" + step("a"),
        step("a", more=', "interactive": "false", "mimeType": "text/plain", "ignore": "false", "lines": "3", "filename": "a.sh"'),
        step("a") + "```\nwhat it prints\n",
        step("a") + "```sh title=names\necho\n```\n",
    ],
)
def test_what_is_nothing_wrong_with_a_runbook(text: str) -> None:
    book = ready(text)
    assert (book.fault, [prepared.step.name for prepared in book.steps]) == ("", ["a"])


def test_a_runbook_without_steps_is_one_that_a_person_does() -> None:
    (prepared,) = prepare(Runbook("runbooks/plan.md", "Recovery plan"), around()).steps
    assert (prepared.way, prepared.step.text) == (Way.PERSON, "Recovery plan")


def test_a_verification_is_a_check_or_a_command_that_is_accepted_too() -> None:
    text = step("a", more=', "verify": "health"')
    (by_check,) = ready(text, checks=frozenset({"health"})).steps
    assert (by_check.check, by_check.verifier) == ("health", None)
    (by_command,) = ready(text).steps
    assert by_command.verifier is not None
    assert (by_command.verifier.name, by_command.verifier.text) == ("runbooks/r.md#a:verify", "health")


# --- what happens next -------------------------------------------------------------------------------------------------------

BOOK = ready(step("first") + step("second", "rm x") + "- [ ] Look\n")


def test_a_run_that_goes_well() -> None:
    assert isinstance(decide.next_move(run_of(BOOK), BOOK), Begin)
    asks = decide.next_move(run_of(BOOK, first=State.DONE), BOOK)
    assert isinstance(asks, Ask)
    assert (asks.deed.subject, asks.deed.by, asks.deed.what) == (
        "runs/7/second",
        "maria",
        "step 2 (second) of runbooks/r.md: it deletes files",
    )
    assert isinstance(decide.next_move(run_of(BOOK, first=State.DONE, second=State.SKIPPED), BOOK), Wait)
    over = decide.next_move(run_of(BOOK, first=State.DONE, second=State.SKIPPED, look=State.DONE), BOOK)
    assert over == Finish(State.DONE, "2 steps done, 1 left out")


@pytest.mark.parametrize(
    ("state", "kind"),
    [(State.RUNNING, Recover), (State.FAILED, Finish), (State.REFUSED, Finish), (State.ASKS, Wait)],
)
def test_a_run_that_does_not(state: State, kind: type) -> None:
    assert isinstance(decide.next_move(run_of(BOOK, first=state), BOOK), kind)


def test_what_is_no_longer_accepted_waits_although_the_run_has_begun() -> None:
    move = decide.next_move(run_of(BOOK), ready(step("first"), accepted=False))
    assert isinstance(move, Wait)
    assert move.sentence == "it waits for acceptance: nobody accepted it yet"
    gone = decide.next_move(run_of(BOOK), ready(step("other")))
    assert isinstance(gone, Wait)
    assert gone.sentence == "runbooks/r.md no longer has a step called first"


def test_what_the_calendar_does_is_left_out() -> None:
    book = ready(step("entry", "0 0 * * * /x", ', "operation": "cron.entry"'))
    assert isinstance(decide.next_move(run_of(book), book), Leave)


def test_a_run_that_may_not_begin() -> None:
    refused = ready(step("good") + step("never", "rm", ', "disposition": "refused", "rule": "KW310"'))
    assert decide.refusal(refused, ()) == "step 2 (never) is refused: it is too dangerous as written (KW310)"
    assert decide.refusal(refused, ("never",)) == ""
    assert decide.refusal(refused, ("nevver",)) == 'it has no step called "nevver" that could be left out'
    assert decide.refusal(ready(step("a"), accepted=False), ()) == "step 1 (a) waits for acceptance: nobody accepted it yet"


@pytest.mark.parametrize(
    ("effect", "idempotent", "state"),
    [
        (True, False, State.DONE),
        (False, False, State.WAITING),
        (None, False, State.ASKS),
        (None, True, State.WAITING),
        (True, True, State.DONE),
    ],
)
def test_after_a_crash(effect: bool | None, idempotent: bool, state: State) -> None:
    book = ready(step("first", more=f', "idempotent": "{str(idempotent).lower()}"'))
    assert decide.after_a_crash(run_of(book).steps[0], book.steps[0], effect) is state


def test_how_a_script_ended() -> None:
    limit = timedelta(minutes=1)
    assert decide.judged(Ended(0, "", 1), limit) == (State.DONE, "")
    assert decide.judged(Ended(3, "", 1), limit) == (State.FAILED, "it ended with status 3")
    assert decide.judged(Ended(None, "", 60, timed_out=True), limit) == (State.FAILED, "it was ended after 60 s, its time limit")
    assert decide.judged(Ended(None, "", 1, lost=True), limit)[0] is State.ASKS


# --- what people say ---------------------------------------------------------------------------------------------------------


def test_only_a_person_s_step_is_ticked_and_none_before_its_turn() -> None:
    run = run_of(BOOK)
    with pytest.raises(Refused, match="step 1 \\(first\\) is not done by a person"):
        decide.tick(run, "first", "anna", "", NOW)
    with pytest.raises(Refused, match="step 1 \\(first\\) comes before it, and is waiting"):
        decide.tick(run, "look", "anna", "", NOW)
    with pytest.raises(UsageError, match="has no step called lock"):
        decide.tick(run, "lock", "anna", "", NOW)
    done = decide.tick(run_of(BOOK, first=State.DONE, second=State.DONE), "look", "anna", "green", NOW)
    assert (done.steps[2].state, done.steps[2].by, done.steps[2].note) == (State.DONE, "anna", "green")
    with pytest.raises(Refused, match="is done already"):
        decide.tick(done, "look", "anna", "", NOW)


@pytest.mark.parametrize(
    ("state", "what", "run_state", "step_state"),
    [
        (State.FAILED, "repeat", State.WAITING, State.WAITING),
        (State.ASKS, "repeat", State.WAITING, State.WAITING),
        (State.FAILED, "skip", State.WAITING, State.SKIPPED),
        (State.WAITING, "skip", State.WAITING, State.SKIPPED),
        (State.ASKS, "stop", State.FAILED, State.ASKS),
    ],
)
def test_what_next(state: State, what: str, run_state: State, step_state: State) -> None:
    after = decide.resume(run_of(BOOK, first=state), what, "anna", "why", NOW)
    assert (after.state, after.steps[0].state, after.steps[0].by) == (run_state, step_state, "anna")


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(Refused, match="has not begun yet"):
        decide.resume(run_of(BOOK), "repeat", "anna", "", NOW)
    with pytest.raises(Refused, match="runs: wait for its end"):
        decide.resume(run_of(BOOK, first=State.RUNNING), "skip", "anna", "", NOW)
    with pytest.raises(Refused, match="is done already"):
        decide.resume(replace(run_of(BOOK), state=State.DONE), "stop", "anna", "", NOW)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        (State.DONE, Outcome.DONE),
        (State.FAILED, Outcome.FAILED),
        (State.REFUSED, Outcome.REFUSED),
        (State.WAITING, Outcome.WAITING),
        (State.ASKS, Outcome.WAITING),
    ],
)
def test_what_came_of_it_for_whoever_asked(state: State, outcome: Outcome) -> None:
    assert decide.performed(replace(run_of(BOOK), state=state, sentence="so")).outcome is outcome


def test_attributes_of_a_fence() -> None:
    attributes = ', "verify": "health", "idempotent": "true", "timeout": "5m", "strict": "false"'
    text = "> - Corrected (KW1): x\n> second\n\nwords\n\n> - Refused (KW2): y\n\n" + step("a", more=attributes)
    (found,) = read_runbook("r.md", text).steps
    assert (found.verify, found.idempotent, found.timeout, found.strict) == ("health", True, timedelta(minutes=5), False)
    assert found.notes == ("Refused (KW2): y",)


def test_lines_of_checklists_are_steps_where_no_fence_holds_them() -> None:
    text = "- [ ] Look, *really*\n  * [x] Look, really\n1. [ ] Third\n- [] no\n- [ ]\n```\n- [ ] in a fence\n```\n"
    steps = read_runbook("r.md", text).steps
    assert [(one.number, one.name, one.text) for one in steps] == [
        (1, "look-really", "Look, *really*"),
        (2, "look-really-2", "Look, really"),
        (3, "third", "Third"),
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("sudo -u postgres dropdb shop", "changes a database"),
        ("find . -print0 | xargs -0 -r rm -f", "deletes files"),
        ("find . | xargs \\\n  rm -f", "deletes files"),
        ("/bin/rm -rf /srv/old", "deletes files"),
        ("timeout -k 5 60s rm x", "deletes files"),
        ("docker exec -it db psql -c 'DROP TABLE orders'", "changes a database"),
        ("kubectl -n shop exec shop-0 -- rm x", "deletes files"),
        ("ssh -p 22 app1 'rm -rf /srv/old'", "deletes files"),
        ("bash -c 'rm x'", "deletes files"),
        ("psql shop <<EOF\nSELECT 1;\nDROP TABLE orders;\nEOF", "changes a database"),
    ],
)
def test_what_stands_before_a_command_does_not_hide_it(text: str, what: str) -> None:
    assert danger("", "", text) == what


@pytest.mark.parametrize("text", ["sudo -u postgres psql -c 'SELECT 1'", "docker exec shop ls", "ssh app1 df -h", "time curl http://x/rm"])
def test_what_stands_before_a_command_that_only_looks_is_nothing(text: str) -> None:
    assert danger("", "", text) == ""


def test_a_first_line_that_names_no_program_is_said_before_anything_runs() -> None:
    book = ready(step("a", '#!/bin/bash "\necho'))
    assert book.fault == "step 1 (a): the program that its first line names cannot be read: No closing quotation"


def test_a_service_of_another_host_is_not_reached_for_here() -> None:
    service = Service("shop", "systemd", DRIVER, DRIVER.options(), "shop", "app1")
    text = step("a", "systemctl restart shop", ', "operation": "systemd.restart"')
    places = replace(around(), services={"shop": service}, hosts=frozenset({"local", "app1"}))
    here, there = (prepare(read_runbook("r.md", f"---\non: {host}\n---\n{text}"), places) for host in ("local", "app1"))
    assert here.fault.startswith("step 1 (a): services has shop on app1, and the runbook is run on local: write on: app1")
    assert there.fault == ""


def test_an_effect_of_which_nobody_can_tell_is_not_said_to_be_missing() -> None:
    assert decide.verified(True, "yes") == (State.DONE, "yes")
    assert decide.verified(False, "no") == (State.FAILED, "it ended well, and its effect is not there: no")
    assert decide.verified(None, "no answer") == (State.FAILED, "it ended well, and nobody can tell its effect: no answer")
