"""What Keepwell says of itself, and the sign of life that hangs on it."""

from dataclasses import replace

import pytest

from keepwell.kernel.histograms import Histogram
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.fakes import FakeClock, FakeHttp
from keepwell.ports.http import Phases, Response
from keepwell.rooms.health.decide import figures, not_alive, services, status
from keepwell.rooms.health.exposition import CheckFigures, render
from keepwell.rooms.health.model import Facts, Process, Telling, Web, Work
from keepwell.rooms.health.sign_of_life import Sign, SignOfLife

WORK = Work(100, 2, 0.001, 0.01, 0, 3, 0, 0.005, "")
FACTS = Facts(Process(60, 10**8, 10**8, 5, 20, 5), Web(1, 0.01, 0.01, 1), WORK, {"ok": 1}, 0)


@pytest.mark.parametrize(
    ("work", "part", "words", "alive"),
    [
        (WORK, "engine", "operational", True),
        (replace(WORK, late_p99=2.5), "engine", "checks start up to 2.5 s late", False),
        (replace(WORK, lag_p99=3.0), "engine", "something held the event loop for up to 3.0 s", False),
        (replace(WORK, storage_fault="the disk is full"), "storage", "observations cannot be stored: the disk is full", False),
        (replace(WORK, tasks_fault="the disk is full"), "tasks", "tasks cannot be stored, and none begins: the disk is full", False),
        (replace(WORK, sign_fault="answered with status 500"), "sign_of_life", "the sign of life is answered with status 500", True),
        (
            replace(WORK, cut_off=("gateway",)),
            "connection",
            "cut off: gateway cannot be reached; what fails over the network is unknown",
            True,
        ),
    ],
)
def test_each_part_is_operational_or_says_what_is_wrong(work: Work, part: str, words: str, alive: bool) -> None:
    facts = replace(FACTS, work=work)
    assert services(facts)[part].startswith(words)
    assert status(facts) == ("healthy" if words == "operational" else "degraded")
    assert (not_alive(work, Telling()) == "") is alive
    assert all(name and value for name, value in figures(facts))


@pytest.mark.parametrize(
    ("telling", "part", "words", "alive"),
    [
        (Telling(fault="the disk is full"), "alerts", "alerts cannot be stored: the disk is full", False),
        (Telling(failing=("hook: status 500", "mail: refused")), "receivers", "nothing can be delivered to hook: status 500; mail", True),
        (Telling(failing=("hook: status 500",), is_mute=True), "receivers", "nothing can be delivered to hook: status 500", False),
    ],
)
def test_who_cannot_be_told_is_said(telling: Telling, part: str, words: str, alive: bool) -> None:
    facts = replace(FACTS, telling=telling)
    assert services(facts)[part].startswith(words)
    assert (status(facts), not_alive(WORK, telling) == "") == ("degraded", alive)


def test_the_exposition_counts_alerts_and_notices() -> None:
    text = render(replace(FACTS, telling=Telling(1, 2, 3, 4, 5, 6, failing=("hook: x",))), []).decode()
    assert 'keepwell_alerts{state="pending"} 1.0' in text
    assert 'keepwell_alerts{state="firing"} 2.0' in text
    for line in ("notices_waiting 3.0", "notices_delivered_total 4.0", "notice_attempts_failed_total 5.0", "notices_lost_total 6.0"):
        assert f"keepwell_{line}" in text
    assert "keepwell_receivers_failing 1.0" in text


def test_histograms_count_cumulatively() -> None:
    histogram = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 3.0):
        histogram.add(value)
    assert histogram.cumulative() == [(0.1, 2), (1.0, 3), (float("inf"), 4)]
    assert (histogram.count, histogram.total) == (4, pytest.approx(3.65))


def test_the_exposition_has_the_histograms() -> None:
    late = Histogram()
    late.add(0.02)
    text = render(
        replace(FACTS, work=replace(WORK, late=late, held=4, cut_off=("gateway",))), [CheckFigures("a", "http", "ok", {})]
    ).decode()
    assert 'keepwell_look_late_seconds_bucket{le="0.05"} 1.0' in text
    assert "keepwell_look_late_seconds_count 1.0" in text
    assert "keepwell_looks_held 4.0" in text
    assert "keepwell_connection_cut 1.0" in text


def answered(status: int) -> Response:
    return Response(status, {}, b"", Phases(), "https://hc.example.org/ping/1")


class Sending:
    """A sign of life with answers in turn, and a reason that may withhold it."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.reason = ""
        self.http = FakeHttp(lambda _request: left.pop(0))
        left = list(answers)
        self.clock = FakeClock()
        self.sign = SignOfLife(self.http, self.clock, lambda: self.reason)
        self.sign.configure(Sign("https://hc.example.org/ping/1", "POST", 60.0))

    async def go(self) -> None:
        for job in self.sign.take_due(self.clock.monotonic()):
            await job.run()


async def test_a_sign_is_sent_at_once_and_then_at_its_interval() -> None:
    sending = Sending(answered(200), answered(204))
    await sending.go()
    await sending.go()
    assert [(request.method, request.url) for request in sending.http.asked] == [("POST", "https://hc.example.org/ping/1")]
    assert sending.sign.next_due() == 60.0
    sending.clock.advance(60)
    await sending.go()
    assert (sending.sign.sent, sending.sign.fault) == (2, "")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (answered(500), "answered with status 500"),
        (AnswerError("connection refused by hc.example.org:443"), "not delivered: connection refused by hc.example.org:443"),
        (AskError("no route"), "not delivered: no route"),
    ],
)
async def test_a_sign_that_does_not_arrive_is_shown_until_one_does(answer: Response | Exception, fault: str) -> None:
    sending = Sending(answer, answered(200))
    await sending.go()
    assert (sending.sign.sent, sending.sign.fault) == (0, fault)
    sending.clock.advance(60)
    await sending.go()
    assert (sending.sign.sent, sending.sign.fault) == (1, "")


async def test_no_sign_while_keepwell_does_not_do_its_work() -> None:
    sending = Sending()
    sending.reason = "checks start up to 9.0 s late"
    await sending.go()
    assert (sending.http.asked, sending.sign.fault) == ([], "withheld: checks start up to 9.0 s late")


async def test_without_a_url_nothing_is_sent() -> None:
    sending = Sending()
    sending.sign.configure(None)
    await sending.go()
    assert (sending.sign.next_due(), sending.http.asked) == (None, [])
