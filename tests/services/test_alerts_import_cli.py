"""``keepwell import-alertmanager``: what it writes, says and answers."""

import json
from pathlib import Path

from tests.serving import keepwell

GOOD = """\
global: {slack_api_url: https://hooks.slack.com/s3cr3t}
templates: [x.tmpl]
route: {receiver: team, group_by: [alertname]}
receivers:
- {name: team, slack_configs: [{channel: '#x'}]}
"""


def file(folder: Path, text: str) -> str:
    path = folder / "alertmanager.yml"
    path.write_text(text)
    return str(path)


def test_a_directory_is_written_that_is_valid(tmp_path: Path) -> None:
    ran = keepwell("import-alertmanager", file(tmp_path, GOOD), "-o", str(tmp_path / "ops"))
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[0] == f"1 routes, 1 receivers as 1 of Keepwell's: {tmp_path}/ops/keepwell.yaml"
    assert "  SLACK_API_URL  the address of Slack's webhook (line 1)" in ran.stdout
    assert "  line 2: the template files x.tmpl: Keepwell writes its own messages" in ran.stdout
    assert "s3cr3t" not in ran.stdout + ran.stderr + (tmp_path / "ops" / "keepwell.yaml").read_text()
    assert keepwell("validate", str(tmp_path / "ops")).returncode == 0


def test_what_is_there_is_not_written_over(tmp_path: Path) -> None:
    kept = tmp_path / "keepwell.yaml"
    kept.write_text("mine")
    ran = keepwell("import-alertmanager", file(tmp_path, GOOD), "-o", str(tmp_path))
    assert (ran.returncode, kept.read_text()) == (2, "mine")
    assert "exists already" in ran.stderr


def test_without_a_directory_it_is_printed_and_the_rest_goes_beside(tmp_path: Path) -> None:
    ran = keepwell("import-alertmanager", file(tmp_path, GOOD), "--service", "shop")
    assert ran.returncode == 0
    assert "\nservice: shop\n" in ran.stdout
    assert "SLACK_API_URL  the address" not in ran.stdout
    assert "SLACK_API_URL  the address" in ran.stderr


def test_as_json(tmp_path: Path) -> None:
    ran = keepwell("import-alertmanager", file(tmp_path, GOOD), "--json")
    answer = json.loads(ran.stdout)
    assert (answer["written"], answer["receivers"], answer["routes"]) == (None, {"team": ["team"]}, 1)
    assert answer["secrets"] == [{"name": "SLACK_API_URL", "content": "the address of Slack's webhook", "line": 1}]
    assert [one["line"] for one in answer["left_out"]] == [2, 5]


def test_a_receiver_that_is_lost_is_said_and_answered(tmp_path: Path) -> None:
    ran = keepwell(
        "import-alertmanager",
        file(
            tmp_path, GOOD.replace("slack_configs: [{channel: '#x'}]", "webex_configs: [{room_id: r, http_config: {bearer_token: s3cr3t}}]")
        ),
        "-o",
        str(tmp_path / "ops"),
    )
    assert ran.returncode == 1
    assert "Nothing stands for team: the receivers of the route above are told instead, and at the root all of them." in ran.stdout


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    ran = keepwell("import-alertmanager", file(tmp_path, GOOD.replace("receiver: team", "receiver: teem")), "-o", str(tmp_path / "ops"))
    assert ran.returncode == 2
    assert 'alertmanager.yml:3:9: "teem" is none of the receivers' in ran.stderr
    assert not (tmp_path / "ops").exists()
    missing = keepwell("import-alertmanager", str(tmp_path / "nothing.yml"))
    assert missing.returncode == 2
    assert "cannot be read: No such file or directory" in missing.stderr
