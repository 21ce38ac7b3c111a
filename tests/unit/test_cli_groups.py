"""Commands that stand together below one word: their own arguments, help and exit codes."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from keepwell.cli.program import run
from keepwell.kernel.problems import NotFound
from keepwell.ports.offer import Argument, Call, Group, Subcommand


def program(seen: list[Mapping[str, Any]]) -> list[Subcommand | Group]:
    async def take(call: Call) -> int:
        seen.append(call.arguments)
        call.output.say("taken")
        return 1

    async def miss(call: Call) -> int:
        raise NotFound("there is no such tree")

    async def fall(call: Call) -> int:
        raise RuntimeError("rotten")

    trees = (
        Subcommand("plant", "plant a tree", take, (Argument(("kind",), "which", {"metavar": "KIND"}),), example="keepwell trees plant oak"),
        Subcommand("find", "find a tree", miss, on_error=3),
        Subcommand("climb", "climb a tree", fall),
        Subcommand("water", "water a tree", take, (Argument(("litres",), "how many", {"metavar": "LITRES", "type": int}),)),
    )
    return [Subcommand("plant", "plant anything", take), Group("trees", "what grows", trees, "All about trees.")]


def test_the_command_below_runs_with_its_own_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Mapping[str, Any]] = []
    assert run(program(seen), "1", ["trees", "plant", "oak"]) == 1
    assert run(program(seen), "1", ["plant"]) == 1
    assert seen == [{"kind": "oak"}, {}]
    assert capsys.readouterr().out == "taken\ntaken\n"


def test_help_at_every_level(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(program([]), "1", ["--help"]) == 0
    assert "what grows" in capsys.readouterr().out
    assert run(program([]), "1", ["trees", "--help"]) == 0
    listed = capsys.readouterr().out
    assert "All about trees." in listed
    assert "plant a tree" in listed
    assert run(program([]), "1", ["trees", "plant", "--help"]) == 0
    assert "Example: keepwell trees plant oak" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (["trees"], 2, "keepwell trees: the following arguments are required: COMMAND"),
        (["trees", "fell"], 2, "invalid choice: 'fell'"),
        (["trees", "plant"], 2, "keepwell trees plant: the following arguments are required: KIND"),
        (["trees", "find", "--bad"], 3, "--bad"),
        (["trees", "find"], 3, "there is no such tree"),
        (["trees", "climb"], 3, "keepwell trees climb: an internal fault (RuntimeError: rotten)"),
        (["weeds"], 2, "invalid choice: 'weeds'"),
        (["tree"], 2, "did you mean trees? keepwell --help shows"),
        (["trees", "fin"], 2, "did you mean find? keepwell trees --help shows"),
        (["trees", "plant", "oak", "--deep"], 2, "keepwell trees plant --help shows"),
        (["trees", "water", "two"], 2, "argument LITRES: 'two' is no whole number"),
        ([], 2, "required: COMMAND"),
    ],
)
def test_what_is_wrong_is_told_with_the_exit_code_of_the_command(
    capsys: pytest.CaptureFixture[str], line: list[str], code: int, words: str
) -> None:
    assert run(program([]), "1", line) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["trees", "--json"], "keepwell trees: the following arguments are required: COMMAND"),
        (["trees", "plant", "oak", "--deep", "--json"], "keepwell trees plant: unrecognized arguments: --deep"),
        (["trees", "find", "--json"], "there is no such tree"),
    ],
)
def test_a_program_that_asks_for_json_gets_json_whatever_is_wrong(
    capsys: pytest.CaptureFixture[str], line: list[str], message: str
) -> None:
    assert run(program([]), "1", line) in (2, 3)
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem["message"] == message
