"""``keepwell validate`` on who would be called: gaps of rotas, people who cannot be told, names that mean nobody or two."""

from pathlib import Path

from tests.serving import keepwell, operations

HEAD = """\
keepwell: 1
service: shop
smtp: {url: "smtp://127.0.0.1:2525", from: keepwell@shop.test, starttls: off}
receivers: {hook: {webhook: {url: "http://127.0.0.1:9/"}}}
routes: {receiver: hook, escalate: first}
checks: {}
contacts:
  anna: {email: anna@shop.test}
  ben: {phone: "+1 555 0100"}
"""


def said(folder: Path, text: str) -> tuple[int, str]:
    done = keepwell("validate", str(operations(folder, HEAD + text)))
    return done.returncode, done.stdout + done.stderr


def test_gaps_ahead_and_people_without_a_way_are_warnings(tmp_path: Path) -> None:
    code, words = said(
        tmp_path / "ops",
        'rotas:\n  week: {people: [anna, ben], starts: 2026-01-05, covers: "weekdays 08:00-18:00"}\n'
        "escalations:\n  first: [{after: 0m, to: week}]\n",
    )
    assert code == 0
    assert "keepwell.yaml:11:3: in week nobody is on call" in words
    assert "(outside of weekdays 08:00-18:00)" in words
    assert "keepwell.yaml:9:3: ben is to be told, and there is no way to" in words
    assert "anna is to be told" not in words


def test_a_rota_without_gaps_says_nothing(tmp_path: Path) -> None:
    text = "rotas:\n  week: {people: [anna], starts: 2026-01-05}\nescalations:\n  first: [{after: 0m, to: [week, hook]}]\n"
    assert said(tmp_path / "ops", text) == (0, f"{tmp_path / 'ops'} is valid\n")


def test_names_that_mean_nobody_or_two_are_refused(tmp_path: Path) -> None:
    code, words = said(
        tmp_path / "ops", "rotas:\n  anna: {people: [anna], starts: 2026-01-05}\nescalations:\n  first: [{after: 0m, to: hok}]\n"
    )
    assert code == 1
    assert '"anna" is the name of one of the contacts and of one of the rotas' in words
    assert '"hok" in the escalation "first" is no receiver, no contact and no rota' in words
    assert 'did you mean "hook"?' in words
