"""Every kind of check against captured answers: tests/cases/checks/KIND/*.yaml, each a list of cases.

A case has ``options`` as keepwell.yaml would hold them, and either ``refused`` (part of the message that validation gives), or
``answers`` with the expected ``state``, ``sentence`` and ``values`` (those named are compared; ``values: {}`` means none at all).
``asks`` are the expected questions, ``then`` those that follow the answers in ``after``, ``accept`` the exact text to accept.
"""

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from keepwell.config.meanings import meanings
from keepwell.config.options import Options
from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError
from keepwell.kernel.states import State
from keepwell.ports.databases import Query, Rows, StatementFault
from keepwell.ports.http import AwsSignature, Cookie, Form, Json, Phases, Request, Response
from keepwell.ports.names import Absent, Answered, Lookup
from keepwell.ports.redis import Inquiry, Keys, Replies, ReplyFault
from keepwell.ports.runner import Command, Result
from keepwell.rooms.checks.model import Answer, Earlier, Kind, Observation, Probe, Question, ReadFile
from tests.support import cases_in

FOLDER = Path(__file__).parent / "checks"
KINDS = tuple(sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir()))


def driver(kind: str) -> Any:
    return import_module(f"keepwell.rooms.checks.kinds.{kind}").DRIVER


def options_of(kind: str, options: Mapping[str, Any]) -> Any:
    """Validated as the configuration is: in pydantic's JSON mode."""
    return driver(kind).options.model_validate_json(json.dumps(options))


def cases(key: str) -> list[Any]:
    """The cases that hold this key."""
    return [
        pytest.param(kind, case, id=f"{kind}/{file.stem}: {case['case']}")
        for kind in KINDS
        for file in sorted((FOLDER / kind).glob("*.yaml"))
        for case in cases_in(file)
        if key in case
    ]


def response(status: int = 200, body: str = "", seconds: float = 0.012, **more: Any) -> Response:
    phases = Phases(0.001, 0.002, 0.0, 0.005, seconds)
    given = {"headers": {}, "url": "http://127.0.0.1:3001/health"} | more
    given["passed"] = tuple(given.get("passed", ()))
    given["cookies"] = tuple(Cookie(name, value, "127.0.0.1") for name, value in given.get("cookies", {}).items())
    return Response(status=status, body=body.encode(), phases=phases, **given)


def result(**given: Any) -> Result:
    given["dropped"] = tuple(given.get("dropped", (0, 0)))
    return Result(**{"status": 0, "signal": None, "stdout": "", "stderr": "", "seconds": 0.05} | given)


def rows(results: list[list[dict[str, Any]]], errors: Mapping[int, list[str]] | None = None, connect: float = 0.004, **_: Any) -> Rows:
    """What a database answered; ``errors`` gives code and sentence by the statement's number."""
    faults = {number: StatementFault(*fault) for number, fault in (errors or {}).items()}
    return Rows(tuple(tuple(result) for result in results), faults, 150004, connect, connect + 0.001, "db.example.org:5432/shop")


def replies(info: str = "", body: str | None = None, keys: dict[str, Any] | None = None, **given: Any) -> Replies:
    """What a Redis server answered; ``fault`` is the error to INFO, ``clock`` what TIME says, ``maxclients`` what CONFIG GET says."""
    text: Any = info if body is None else body
    if "fault" in given:
        text = ReplyFault(given["fault"].split()[0], given["fault"])
    walked = None
    if keys is not None:
        fault = ReplyFault(keys["fault"].split()[0], keys["fault"]) if "fault" in keys else None
        walked = Keys(**{**keys, "examples": tuple(keys.get("examples", ())), "fault": fault})
    values: tuple[Any, ...] = (text, (str(given.get("clock", 1_800_000_000)), "0"))
    if "maxclients" in given:
        values += (("maxclients", given["maxclients"]),)
    return Replies(values, walked, 0.004, given.get("ping", 0.001), "cache.example.org:6379")


def answered(body: str = "", **given: Any) -> Answered:
    """``body`` is what spoilt cases have in place of the first record."""
    given["values"] = (body, *given["values"][1:]) if body else tuple(given["values"])
    return Answered(**{"ttl": 300, "authenticated": False, "server": "127.0.0.1:53", "seconds": 0.004} | given)


MAKERS: Mapping[str, Any] = {
    "response": lambda given: response(**given),
    "result": lambda given: result(**given),
    "rows": lambda given: rows(**given),
    "replies": lambda given: replies(**given),
    "file": lambda given: given.encode(),
    "bytes": lambda given: bytes.fromhex(given),
    "error": AnswerError,
    "answered": lambda given: answered(**given),
    "absent": Absent,
}


def answer(written: Mapping[str, Any]) -> Answer:
    ((maker, given),) = written.items()
    return MAKERS[maker](given)  # type: ignore[no-any-return]


def shown(question: Question) -> dict[str, Any]:
    """A question as a case writes it."""
    match question:
        case Command():
            given: dict[str, Any] = {
                "argv": list(question.argv),
                "environment": dict(question.environment),
                "secrets": dict(question.secrets),
            }
            given |= {"directory": question.directory, "input": question.input.decode() if question.input is not None else None}
            return {key: value for key, value in given.items() if value}
        case ReadFile():
            return {"path": question.path}
        case Lookup():
            given = {"name": question.name, "record": question.record, "server": question.server, "dnssec": question.dnssec}
            return {key: value for key, value in given.items() if value}
        case Query():
            return {"address": question.address, "statements": len(question.statements)}
        case Inquiry():
            given = {"address": question.address, "commands": [" ".join(words) for words in question.commands]}
            given |= {"user": question.user, "password": question.password, "scan": question.scan and question.scan.pattern}
            return {key: value for key, value in given.items() if value}
        case Request():
            given = {"method": question.method, "url": question.url, "headers": dict(question.headers), "secrets": dict(question.secrets)}
            given |= {"body": question.body.decode() if isinstance(question.body, bytes) else None}
            if isinstance(question.body, Form):
                given |= {"form": [list(field) for field in question.body.fields], "body_secrets": dict(question.body.secrets)}
            if isinstance(question.body, Json):
                given |= {"json": question.body.document, "body_secrets": dict(question.body.secrets)}
            if isinstance(question.signature, AwsSignature):
                given |= {"aws": [question.signature.access_key, question.signature.secret_key, question.signature.region]}
            elif question.signature is not None:
                given |= {"signed": (question.signature.message or b"").decode(), "under": question.signature.header}
            return {key: value for key, value in given.items() if value}
    raise AssertionError(f"no case shows such a question: {question}")


@pytest.mark.parametrize(("kind", "case"), cases("answers"))
def test_reading(kind: str, case: Mapping[str, Any]) -> None:
    earlier = Earlier(**case["earlier"]) if "earlier" in case else None
    observation = driver(kind).read(options_of(kind, case["options"]), tuple(answer(one) for one in case["answers"]), earlier)
    assert (observation.state, observation.sentence) == (State(case["state"]), case["sentence"])
    for key in ("values", "counters"):
        if key in case:
            measured = dict(getattr(observation, key))
            compared = {name: measured.get(name) for name in case[key]} if case[key] else measured
            assert compared == {name: pytest.approx(value) for name, value in case[key].items()}
    if "detail" in case:
        assert observation.detail == case["detail"]


@pytest.mark.parametrize(("kind", "case"), cases("asks"))
def test_asking(kind: str, case: Mapping[str, Any]) -> None:
    target = Target(**case["target"]) if "target" in case else None
    assert [shown(question) for question in driver(kind).ask(options_of(kind, case["options"]), target)] == case["asks"]


@pytest.mark.parametrize(("kind", "case"), cases("then"))
def test_asking_again(kind: str, case: Mapping[str, Any]) -> None:
    target = Target(**case["target"]) if "target" in case else None
    answers = tuple(answer(one) for one in case["after"])
    assert [shown(question) for question in driver(kind).then(options_of(kind, case["options"]), target, answers)] == case["then"]


@pytest.mark.parametrize(("kind", "case"), cases("accept"))
def test_text_to_accept(kind: str, case: Mapping[str, Any]) -> None:
    assert driver(kind).runs_text(options_of(kind, case["options"])) == case["accept"]


@pytest.mark.parametrize(("kind", "case"), cases("refused"))
def test_refused_options(kind: str, case: Mapping[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        options_of(kind, case["options"])
    assert case["refused"] in "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in raised.value.errors())


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_good_bad_and_garbage_cases(kind: str) -> None:
    exported = driver(kind)
    states = {param.values[1]["state"] for param in cases("answers") if param.values[0] == kind}
    files = {file.stem for file in (FOLDER / kind).glob("*.yaml")}
    assert "options" in files
    if isinstance(exported, Kind):
        assert {"good", "bad", "garbage"} <= files
        assert {"ok", "warn", "fail"} <= states
    else:  # a probe's answers come from real servers: tests/services/test_kind_KIND.py
        assert isinstance(exported, Probe)


@pytest.mark.parametrize("kind", KINDS)
def test_every_option_is_documented(kind: str) -> None:
    exported = driver(kind)
    assert issubclass(exported.options, Options)
    assert exported.summary
    assert not exported.summary.endswith(".")
    module = import_module(f"keepwell.rooms.checks.kinds.{kind}")
    models = [model for model in vars(module).values() if isinstance(model, type) and issubclass(model, Options) and model is not Options]
    assert exported.options in models
    for model in models:
        assert meanings(model).keys() == model.model_fields.keys(), model
    assert exported.options.model_json_schema()["type"] == "object"


GOOD = [param.values for param in cases("answers") if not any("error" in one for one in param.values[1]["answers"])]
texts = st.one_of(st.text(max_size=200), st.text(alphabet="0123456789.%-/ \ncpukBMem:TotalAvfre|='", max_size=200))


def spoilt(text: str, start: int, length: int, put: str) -> str:
    start = start % (len(text) + 1)
    return text[:start] + put + text[start + length :]


STRANGE = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=8), st.just([1]), st.just(10**400)
)


@st.composite
def strange_rows(draw: st.DrawFn, given: Mapping[str, Any]) -> Rows:
    """A database's answer with values replaced, columns and rows missing, and statements that failed."""
    results = []
    for result in given["results"]:
        kept = [row for row in result if draw(st.integers(0, 9))]
        results.append([{name: draw(STRANGE) if draw(st.booleans()) else held for name, held in row.items()} for row in kept])
        if kept and draw(st.booleans()):
            results[-1][0].pop(draw(st.sampled_from(sorted(results[-1][0]))))
    codes = st.sampled_from(["", "42P01", "42501", "XX000", "57014"])
    errors = draw(st.dictionaries(st.integers(0, len(results)), st.tuples(codes, texts).map(list), max_size=2))
    return rows(results, errors, draw(st.floats(0, 1e9)))


@st.composite
def garbage(draw: st.DrawFn, case: Mapping[str, Any]) -> tuple[Answer, ...]:
    """A case's answers, each spoilt somewhere, replaced by anything, or of the wrong type altogether."""
    answers: list[Answer] = []
    for written in case["answers"]:
        ((maker, given),) = written.items()
        if maker == "rows" and draw(st.booleans()):
            answers.append(draw(strange_rows(given)))
            continue
        text = given if isinstance(given, str) else given.get("stdout", given.get("body", ""))
        place, length = draw(st.integers(0, 10_000)), draw(st.integers(0, 60))
        text = draw(st.one_of(texts, st.just(spoilt(text, place, length, draw(texts)))))
        status = draw(st.one_of(st.none(), st.integers(0, 599)))
        answers.append(
            draw(
                st.sampled_from(
                    [
                        answer({maker: {**given, **({"stdout": text} if maker == "result" else {"body": text})}})
                        if isinstance(given, Mapping)
                        else text.encode(errors="replace"),
                        Result(status, None if status else 9, text, text, draw(st.floats(0, 1e9)), draw(st.booleans()), (status or 0, 0)),
                        Response(
                            status or 200,
                            {"Content-Type": text},
                            text.encode(errors="replace"),
                            Phases(total=1.0),
                            text,
                            draw(st.booleans()),
                        ),
                        draw(st.binary(max_size=200)),
                        AnswerError("connection refused"),
                    ]
                )
            )
        )
    return tuple(answers)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if isinstance(driver(kind), Kind)])
@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_any_answer_gives_an_observation(kind: str, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case for name, case in GOOD if name == kind]))
    counters = data.draw(st.dictionaries(st.sampled_from(["cpu_total_ticks", "cpu_busy_ticks"]), st.floats(0, 1e15)))
    earlier = data.draw(st.one_of(st.none(), st.builds(Earlier, st.just(counters), st.floats(0, 1e6))))
    observation = driver(kind).read(options_of(kind, case["options"]), data.draw(garbage(case)), earlier)
    assert isinstance(observation, Observation)
    assert observation.sentence
    assert "\n" not in observation.sentence
    assert all(abs(value) < float("inf") for value in observation.values.values())
