"""What ``keepwell query`` makes of its arguments and of answers, without a server."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from keepwell.kernel.problems import AnswerError, Place, Refused, UsageError
from keepwell.rooms.promql.terminal.answer import Reply, place_in, pointed, read_answer
from keepwell.rooms.promql.terminal.question import Question, read_question, usual_step
from keepwell.rooms.promql.terminal.told import selector
from keepwell.rooms.promql.terminal.units import in_words
from keepwell.rooms.promql.terminal.whom import Whom, read_whom

NOW = datetime(2026, 1, 31, 12, 0, 0, 250_000, UTC)
AT = NOW.timestamp()
NOTHING: Mapping[str, Any] = {"expression": "up", "at": None, "range": None, "step": None, "lookback": None, "plot": False}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, Question("up", AT)),
        ({"at": "now"}, Question("up", AT)),
        ({"at": "1769860800.5"}, Question("up", 1769860800.5)),
        ({"at": "-24h"}, Question("up", AT - 86_400)),
        ({"at": "2026-01-30T12:00:00+01:00"}, Question("up", AT - 0.25 - 90_000)),
        ({"at": "2026-01-30T12:00:00"}, Question("up", AT - 0.25 - 86_400)),
        ({"range": "7d", "step": "5m"}, Question("up", AT, 604_800, 300)),
        ({"range": "7d"}, Question("up", AT, 604_800, 3600)),
        ({"range": "3600", "step": "60"}, Question("up", AT, 3600, 60)),
        ({"lookback": "15m"}, Question("up", AT, look_back=900)),
        ({"plot": True}, Question("up", AT, 3600, 15)),
    ],
)
def test_arguments_are_a_question(given: Mapping[str, Any], wanted: Question) -> None:
    assert read_question({**NOTHING, **given}, NOW) == wanted


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"user": "anna"}, "--user says who asks another engine, and none is named"),
        ({"bearer_file": "token"}, "--bearer-file says who asks"),
        ({"url": "http://anna:secret@127.0.0.1:9090"}, "--url holds the name of a user or a password"),
        ({"url": "http://a", "user": "anna", "bearer_file": "token"}, "--user and --bearer-file are both sent"),
        ({"url": "http://a", "password_file": "file"}, "--password-file is the password of a user"),
    ],
)
def test_who_asks_whom_is_said_without_doubt(given: Mapping[str, Any], words: str) -> None:
    nobody = dict.fromkeys(("data", "url", "user", "password_file", "bearer_file"))
    assert read_whom({**nobody, "url": "http://a"}) == Whom(url="http://a")
    with pytest.raises(UsageError) as caught:
        read_whom({**nobody, **given})
    assert words in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_question_is_the_parameters_of_the_interface() -> None:
    instant, over = Question("up", 1.5), Question("up", 7200.0, 3600.0, 60.0)
    assert (instant.path, dict(instant.fields)) == ("/api/v1/query", {"query": "up", "time": "1.5"})
    assert over.path == "/api/v1/query_range"
    assert dict(Question("up", 1.5, look_back=900).fields) == {"query": "up", "time": "1.5", "lookback_delta": "900"}
    assert dict(over.fields) == {"query": "up", "start": "3600", "end": "7200", "step": "60"}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"at": "tomorrow"}, '--at: "tomorrow" is no instant'),
        ({"at": "-soon"}, '--at: "-soon" is no instant'),
        ({"at": "99999999999"}, "lies before 1970 or after 3000"),
        ({"range": "long"}, "--range:"),
        ({"range": "0s"}, '--range: "0s" is no length of time'),
        ({"lookback": "long"}, "--lookback:"),
        ({"range": "1h", "step": "0"}, '--step: "0" is no length of time'),
        ({"step": "5m"}, "--step says how far"),
        ({"range": "1y", "step": "1s"}, "--step: 1 s would give more than 11000 points"),
    ],
)
def test_what_is_no_question_is_told_in_one_sentence(given: Mapping[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=r"^--") as caught:
        read_question({**NOTHING, **given}, NOW)
    assert words in str(caught.value)
    assert caught.value.problems[0].hint


@pytest.mark.parametrize(("length", "step"), [(10, 1), (3600, 15), (86_400, 600), (30 * 86_400, 10_800), (4e9, 16_329_600)])
def test_the_usual_step_gives_a_few_hundred_points_at_most(length: float, step: float) -> None:
    assert usual_step(length) == step
    assert length / step <= 250


def reply(**document: object) -> Reply:
    return Reply(200, json.dumps(document).encode())


def refused(error: str, kind: str = "bad_data", expression: str = "sum(\n  foo bar)") -> Refused:
    with pytest.raises(Refused) as caught:
        read_answer(reply(status="error", errorType=kind, error=error), expression, "it")
    return caught.value


def test_an_error_points_at_the_word_in_its_line() -> None:
    problem = refused('invalid parameter "query": 2:7: parse error: unexpected identifier "bar"').problems[0]
    assert problem.where == Place("query", 2, 7, "  foo bar)", 3)
    assert problem.message == 'parse error: unexpected identifier "bar"'
    assert problem.code == "promql.bad-query"


@pytest.mark.parametrize("place", ["9:1", "1:99", "0:0", "999999:999999"])
def test_a_place_that_the_expression_does_not_have_stays_in_the_sentence(place: str) -> None:
    problem = refused(f"{place}: parse error: odd").problems[0]
    assert problem.where is None
    assert problem.message == f"{place}: parse error: odd"


def test_an_error_without_a_place_is_told_as_it_is() -> None:
    problem = refused("query timed out in expression evaluation", "timeout").problems[0]
    assert (problem.code, problem.where) == ("promql.timeout", None)


def test_the_end_of_an_expression_can_be_pointed_at() -> None:
    assert place_in("sum(", 1, 5) == Place("query", 1, 5, "sum(", 1)


def test_remarks_point_too() -> None:
    found = list(pointed(["metric might not be a counter (1:6)", "nothing (else)"], "rate(foo[5m])"))
    assert [problem.where for problem in found] == [Place("query", 1, 6, "rate(foo[5m])", 3), None]
    assert [problem.message for problem in found] == ["metric might not be a counter", "nothing (else)"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b'{"status": "fine"}',
        b'{"status": "success"}',
        b'{"status": "success", "data": {"resultType": "streams", "result": []}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": [], "values": 3}]}}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_answer_of_prometheus_is_told(body: bytes) -> None:
    with pytest.raises(AnswerError, match=r"^it gave"):
        read_answer(Reply(200, body), "up", "it")


def test_an_empty_vector_is_empty_and_a_scalar_is_not() -> None:
    vector = reply(status="success", data={"resultType": "vector", "result": []})
    scalar = reply(status="success", data={"resultType": "scalar", "result": [1, "NaN"]})
    assert read_answer(vector, "up", "it").is_empty
    answer = read_answer(scalar, "up", "it")
    assert (answer.is_empty, answer.text) == (False, "NaN")


def test_a_series_is_written_so_that_it_can_be_asked_for_again() -> None:
    assert selector({"__name__": "up", "b": 'say "x"\n', "a": "\\d"}) == 'up{a="\\\\d", b="say \\"x\\"\\n"}'
    assert selector({}) == "{}"
    assert selector({"__name__": "up"}) == "up"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("node_memory_MemTotal_bytes", "8253000704", "7.686 GiB"),
        ("sent_bytes_total", "1024", "1 KiB"),
        ("took_seconds", "0.125", "125 ms"),
        ("used_ratio", "0.5", "50 %"),
        ("node_boot_time_seconds", "1790000000", "2026-09-21T14:13:20Z"),
        ("requests_total", "5", ""),
        ("took_seconds", "NaN", "not a number"),
    ],
)
def test_a_value_is_told_in_the_unit_of_its_name(name: str, value: str, words: str) -> None:
    assert in_words({"__name__": name}, value) == words
