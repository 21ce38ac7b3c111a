"""keepwell.yaml merged three ways: what the manual changed is taken, what the user did stays, every other byte too."""

import random

import pytest
import yaml

from keepwell.config.nodes import plain
from keepwell.config.yaml_reader import parse_yaml
from keepwell.kernel.problems import ConfigurationError
from keepwell.rooms.manual.importing.merge_yaml import Merged, merge_yaml, same

BASE = """\
# Made by keepwell import from ops.md.
keepwell: 1
service: shop

targets:
  api: {url: "http://127.0.0.1:1"}
  old:
    url: http://127.0.0.1:2

checks:
  # from line 3
  health:
    http:
      target: api
      path: /health
    every: 30s
  # from line 9
  disk:
    host: {mount: /, warn: "> 80%"}
    every: 1m
  # from line 12
  copies:
    command:
      run: [ls, -l, /backup]
    every: 5m

rules:
  # from line 30
  - when: error rate > 5% for 5m
    severity: P1
  # from line 31
  - when: queue > 5
    severity: P2
"""


def changed(text: str, *pairs: tuple[str, str]) -> str:
    for before, after in pairs:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def merged(mine: tuple[tuple[str, str], ...], theirs: tuple[tuple[str, str], ...]) -> Merged:
    return merge_yaml(BASE, changed(BASE, *mine), changed(BASE, *theirs))


COPIES = "  # from line 12\n  copies:\n    command:\n      run: [ls, -l, /backup]\n    every: 5m\n"
QUEUE = "  # from line 31\n  - when: queue > 5\n    severity: P2\n"


@pytest.mark.parametrize(
    ("mine", "theirs", "result"),
    [
        pytest.param((("every: 30s", "every: 10s # fast"),), (("mount: /,", "mount: /srv,"),), None, id="different places"),
        pytest.param(((COPIES, ""),), (("[ls, -l, /backup]", "[ls, /backup]"),), ((COPIES, ""),), id="what the user removed stays removed"),
        pytest.param((("every: 30s", "every: 10s"),), ((COPIES, ""),), None, id="what the manual removed goes"),
        pytest.param((("every: 30s", "every: 10s"),), ((QUEUE, ""),), None, id="a rule goes"),
        pytest.param((("severity: P1", "severity: P0"),), (("severity: P2", "severity: P3"),), None, id="rules by their condition"),
        pytest.param(
            (("  # from line 9\n", "  # our own disk\n\n  # from line 9\n"),),
            (("line 3\n", "line 4\n"), ("line 9\n", "line 10\n"), ("line 12", "line 13")),
            None,
            id="lines of the manual move",
        ),
        pytest.param(
            (("  # from line 9\n", "  # from line 9\n  # our own disk\n"),),
            (("line 9\n", "lines 9 and 10\n"),),
            None,
            id="a comment between",
        ),
        pytest.param(
            (("{mount: /, ", "{fail: '> 95%',  mount: /, "),),
            (('warn: "> 80%"', 'warn: "> 70%"'),),
            None,
            id="inside brackets, their spaces kept",
        ),
        pytest.param((("every: 5m", "every: 7m"),), (("[ls, -l, /backup]", '[ls, "-la", /backup]'),), None, id="a list"),
        pytest.param((("every: 5m", "every: 7m"),), (("every: 1m", "every: 2m\n    fail_after: 3"),), None, id="a key is added"),
        pytest.param(
            (("\nrules:", "\nwindows: {}\nrules:"),), (("\nrules:", "\nlogs:\n  # x\n  a: {}\n\nrules:"),), "valid", id="sections"
        ),
        pytest.param(
            (
                ("    http:\n      target: api\n      path: /health\n", "    http: {target: api, path: /health}\n"),
                ("every: 5m", "every: 6m"),
            ),
            (("/health", "/healthz"),),
            "valid",
            id="written otherwise",
        ),
    ],
)
def test_both_changes_are_taken(mine: tuple[tuple[str, str], ...], theirs: tuple[tuple[str, str], ...], result: object) -> None:
    answer = merged(mine, theirs)
    assert answer.clashes == ()
    if result != "valid":
        assert answer.text == changed(BASE, *(result if result is not None else (*mine, *theirs)))
    text = changed(BASE, *theirs)
    assert merge_yaml(text, answer.text, text).text == answer.text, "again without a change, no byte changes"


def test_the_users_value_stays_and_the_new_one_is_proposed_above_it() -> None:
    answer = merged((("every: 30s", "every: 10s   # fast"),), (("every: 30s", "every: 2m"), ("line 3\n", "line 5\n")))
    assert answer.text == changed(
        BASE, ("    every: 30s", "    # import proposes: every: 2m (line 5)\n    every: 10s   # fast"), ("line 3\n", "line 5\n")
    )
    (clash,) = answer.clashes
    assert (clash.place, clash.yours, clash.proposed, clash.origin) == ("checks.health.every", "10s", "2m", "line 5")


def test_a_proposal_is_replaced_by_the_next_and_goes_when_it_is_taken() -> None:
    new = changed(BASE, ("every: 30s", "every: 2m"))
    first = merge_yaml(BASE, changed(BASE, ("every: 30s", "every: 10s")), new)
    newer = changed(BASE, ("every: 30s", "every: 3m"))
    second = merge_yaml(new, first.text, newer)
    assert second.text.count("import proposes") == 1
    assert "proposes: every: 3m" in second.text
    taken = second.text.replace("every: 10s", "every: 3m")
    newest = changed(newer, ("mount: /,", "mount: /srv,"))
    assert merge_yaml(newer, taken, newest).text == newest
    waiting = merge_yaml(newer, second.text, newest)
    assert waiting.clashes == ()
    assert "proposes: every: 3m" in waiting.text, "nobody has answered it yet"


def test_a_conflict_inside_brackets_stands_above_the_line() -> None:
    answer = merged((('"> 80%"', '"> 85%"'),), (('"> 80%"', '"> 70%"'),))
    assert '    # import proposes: host.warn: "> 70%" (line 9)\n    host: {mount: /, warn: "> 85%"}\n' in answer.text


def test_what_the_user_changed_is_not_removed() -> None:
    answer = merged((("/backup]", "/srv/backup]"),), ((COPIES, ""),))
    assert "  # import proposes: remove copies\n  copies:\n" in answer.text
    commented = merged((("[ls, -l, /backup]", "[ls, -l, /backup] # where copies lie"),), ((COPIES, ""),))
    assert "# where copies lie" in commented.text
    assert len(commented.clashes) == 1


def test_a_check_is_never_put_together_from_two_kinds() -> None:
    http = "    http:\n      target: api\n      path: /health\n"
    answer = merged(((http, "    tcp: {port: 1}\n"),), ((http, "    process: {match: shop}\n"),))
    assert "process: {match: shop}" in answer.text
    checks = yaml.safe_load(answer.text)["checks"]
    assert checks["health"] == {"tcp": {"port": 1}, "every": "30s"}
    edited = merged((("path: /health", "path: /mine"),), ((http, "    process: {match: shop}\n"),))
    assert yaml.safe_load(edited.text)["checks"]["health"] == {"http": {"target": "api", "path": "/mine"}, "every": "30s"}


def test_a_target_that_is_still_used_stays_and_one_that_is_needed_comes_back() -> None:
    old = "  old:\n    url: http://127.0.0.1:2\n"
    mine = (("\nrules:", "  mine: {http: {target: old}, every: 1m}\n\nrules:"),)
    answer = merged(mine, ((old, ""),))
    assert yaml.safe_load(answer.text)["targets"]["old"]
    assert [clash.place for clash in answer.clashes] == ["targets.old"]
    back = merged(((old, ""),), (("\nrules:", "  new: {http: {target: old}, every: 1m}\n\nrules:"),))
    assert yaml.safe_load(back.text)["targets"]["old"]


def test_without_a_base_what_differs_is_a_conflict_and_nothing_is_removed() -> None:
    mine = changed(BASE, ("every: 30s", "every: 10s"), (COPIES, "  own: {tcp: {port: 1}, every: 1m}\n"))
    answer = merge_yaml(None, mine, BASE)
    checks = yaml.safe_load(answer.text)["checks"]
    assert set(checks) == {"health", "disk", "copies", "own"}
    assert [clash.place for clash in answer.clashes] == ["checks.health.every"]


def test_what_cannot_be_changed_in_place_stays_and_is_proposed_whole() -> None:
    mine = changed(BASE, ("every: 1m", "every: &slow 1m"), ("every: 5m", "every: *slow"))
    theirs = changed(BASE, ("every: 1m", "every: 2m"))
    answer = merge_yaml(BASE, mine, theirs)
    assert (answer.text, answer.proposed) == (mine, theirs)
    assert len(answer.clashes) == 1


@pytest.mark.parametrize("text", ["a: [", "- a\n", "keepwell: 1\nkeepwell: 1\n", "a: !!python/name:os.system x\n"])
def test_a_file_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        merge_yaml(BASE, text, changed(BASE, ("every: 1m", "every: 2m")))


def test_a_proposal_is_one_line_whatever_it_holds() -> None:
    mine, theirs = (changed(BASE, ("service: shop", f"service: {value}")) for value in ("mine", '"a\\nb: \\u2028\\e[31m # x"'))
    answer = merge_yaml(BASE, mine, theirs)
    assert '# import proposes: service: "a\\x0ab: \\u2028\\x1b[31m # x"\nservice: mine\n' in answer.text


def value(chance: random.Random, depth: int) -> object:
    kind = chance.random()
    if depth > 0 and kind < 0.5:
        return {chance.choice("abcdefg") * chance.randint(1, 2): value(chance, depth - 1) for _ in range(chance.randint(0, 4))}
    if kind < 0.65:
        return [chance.choice(["x", "-y", 1, "a b", "> 5%"]) for _ in range(chance.randint(0, 3))]
    return chance.choice(["x", "30s", "> 80%", "a: b # c", "yes", "1:30", "", None, 1, 2.5, True, "two\nlines\n", "it's", "[", "é"])


def mutated(chance: random.Random, original: object, depth: int) -> object:
    if not isinstance(original, dict):
        return value(chance, depth) if chance.random() < 0.3 else original
    result = {key: mutated(chance, inner, depth - 1) for key, inner in original.items() if chance.random() > 0.12}
    if chance.random() < 0.4:
        result["new" + chance.choice("xyz")] = value(chance, depth - 1)
    return result


def written(chance: random.Random, data: object) -> str:
    style = chance.choice([None, None, False, False, True])
    lines = yaml.safe_dump(data, default_flow_style=style, sort_keys=False, allow_unicode=True, width=1000).splitlines(keepends=True)
    # Comments between the keys of the top level, as people write them.
    return "".join(("# note\n" if line[0].isalpha() and chance.random() < 0.3 else "") + line for line in lines)


def test_whatever_is_merged_can_be_read_and_is_stable() -> None:
    whole = 0
    for seed in range(500):
        chance = random.Random(seed)
        data = {"keepwell": 1, **{name: value(chance, 3) for name in ("checks", "targets", "logs")}}
        base = written(chance, data)
        mine, theirs = written(chance, mutated(chance, data, 3)), written(chance, mutated(chance, data, 3))
        if any(document.root is None for document in (parse_yaml(mine.encode(), "m"), parse_yaml(theirs.encode(), "t"))):
            continue
        answer = merge_yaml(base, mine, theirs)
        whole += bool(answer.proposed)
        assert answer.text == mine or parse_yaml(answer.text.encode(), "m").findings.found == []
        assert merge_yaml(base, base, theirs).text == theirs
        assert merge_yaml(base, mine, base).text == mine
        assert merge_yaml(theirs, answer.text, theirs).text == answer.text
        again = merge_yaml(base, answer.text, theirs)
        assert same(read(again.text), read(answer.text)), "taken twice (after a crash) it means the same"
    assert whole <= 5, f"{whole} of 500 could not be merged in place"


def read(text: str) -> object:
    return plain(parse_yaml(text.encode(), "m").root)
