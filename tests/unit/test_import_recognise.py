"""Line by line: what is recognised, what is left, and why."""

import pytest
import yaml

from keepwell.rooms.manual.decide import import_manual, slug
from keepwell.rooms.manual.model import Fate, Imported


def shell(*lines: str, language: str = "bash") -> Imported:
    return import_manual(f"# Service\n\n```{language}\n" + "\n".join(lines) + "\n```\n", "m.md")


def only(imported: Imported) -> dict[str, object]:
    """The settings of the only check."""
    (draft,) = imported.checks
    return {draft.kind: dict(draft.settings)}


@pytest.mark.parametrize(
    ("line", "base", "path"),
    [
        ("curl http://localhost:3001/health", "http://localhost:3001", "/health"),
        ("$ curl -sSf https://db/x?a=1", "https://db", "/x?a=1"),
        ("sudo curl --max-time 5 -o /dev/null -w '%{time_total}' http://h/a", "http://h", "/a"),
        ("curl -sSo/dev/null http://h/a", "http://h", "/a"),
        ("curl -X GET http://h", "http://h", "/"),
        ("curl --request=GET 'http://h/a b' http://h/c", "http://h", "/c"),
        ("curl localhost:9200/_cluster/health", "http://localhost:9200", "/_cluster/health"),
        ("if ! curl -f http://h/a; then echo no; fi", "http://h", "/a"),
        ("code=$(curl -s http://h/a | jq .status)", "http://h", "/a"),
        ("curl http://[::1]:80/a", "http://[::1]:80", "/a"),
        ("curl http://h/a#top  # a remark: don't", "http://h", "/a"),
        ("TOKEN=x LANG=C curl http://h/a", "http://h", "/a"),
        ("curl http://H.Local:8080/A", "http://h.local:8080", "/A"),
        ("curl http://h/a 2>&1 >> log.txt", "http://h", "/a"),
        ("timeout 5; curl --url http://h/a", "http://h", "/a"),
    ],
)
def test_requests_that_read_become_checks(line: str, base: str, path: str) -> None:
    imported = shell(line)
    assert only(imported) == {"http": {"target": "api", "path": path}}
    assert imported.targets == {"api": base}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("curl -X POST http://h/a", "it sends a POST request"),
        ("curl -XDELETE http://h/a", "it sends a DELETE request"),
        ("curl -d '{}' http://h/a", "it sends a POST request"),
        ("curl --data-raw={} http://h/a", "it sends a POST request"),
        ("curl -F a=@b http://h/a", "it sends a POST request"),
        ("curl -G -d a=b http://h/a", "it puts data into the address"),
        ("curl -I http://h/a", "it asks for headers only"),
        ("curl -u me:secret http://h/a", "it holds credentials"),
        ("curl -H 'Authorization: Bearer x' http://h/a", "it holds credentials"),
        ("curl http://me:secret@h/a", "its address holds credentials"),
        ("curl -H 'Accept: text/plain' http://h/a", "it sends headers of its own"),
        ("curl -k https://h/a", "it does not verify the certificate"),
        ("curl --unix-socket /run/docker.sock http://h/a", "it reaches the server another way (--unix-socket)"),
        ("curl", "it names no address"),
        ("curl https://api.yourdomain.com/health", "its address holds a placeholder: yourdomain"),
        ("curl https://hooks.slack.com/services/YOUR/WEBHOOK/URL", "its address holds a placeholder: YOUR"),
        ("curl http://'<host>'/health", "its address holds a placeholder: <host>"),
        ("curl http://<host>:80/health", "its address holds a placeholder: <host>"),
        ("curl http://h/<job id>", "its address holds a placeholder: <job-id>"),
        ("curl 'http://{{ host }}/health'", "its address holds a placeholder: {{ host }"),
        ("curl https://api.example.com/health", "its address holds a placeholder: example.com"),
        ("curl http://$HOST/health", "its address holds $HOST, to which this block gives no plain value"),
        ('curl "http://$(hostname)/health"', "its address holds $(hostname)/health"),
        ("curl ftp://h/a", "its address is not a valid http or https URL"),
        ("curl http://h:99999/", "its address is not a valid URL"),
        ("curl 'http://h/\x1b]0;pwned\x07'", "its address is not a valid http or https URL"),
        ("curl 'http://h/a\"b'", "its address is not a valid http or https URL"),
        ("curl file:///etc/passwd", "its address is not a valid http or https URL"),
        ("echo 'curl", "the line cannot be taken apart"),
    ],
)
def test_requests_that_are_left_say_why(line: str, reason: str) -> None:
    imported = shell(line)
    assert imported.checks == ()
    (item,) = imported.items
    assert item.fate is Fate.NOT_IMPORTED
    assert item.reason.startswith(reason)


@pytest.mark.parametrize(
    ("line", "settings"),
    [
        ("df -h /opt/app/", {"host": {"mount": "/opt/app"}}),
        ("df", {"host": {"mount": "/"}}),
        ("df -h | grep -v tmpfs", {"host": {"mount": "/"}}),
        ("df -hT -x tmpfs /srv", {"host": {"mount": "/srv"}}),
        ("df -i /srv", {"host": {"mount": "/srv", "inodes": {}}}),
        ("if [ $(df /srv | tail -1 | awk '{print $5}') -gt 80 ]; then", {"host": {"mount": "/srv"}}),
        ("systemctl is-active app", {"command": {"run": ["systemctl", "is-active", "app"]}}),
        ("sudo systemctl status app@1.service --no-pager -l", {"command": {"run": ["systemctl", "is-active", "app@1.service"]}}),
        ("ps aux | grep app-server | grep -v grep", {"process": {"match": "app-server"}}),
        ("ps -ef | grep [a]pp", {"process": {"match": "app"}}),
        ("ps aux|grep -i app|wc -l", {"process": {"match": "app"}}),
        ("PID=$(pgrep -f app-server)", {"process": {"match": "app-server"}}),
        ("pgrep -x nginx", {"process": {"name": "nginx"}}),
    ],
)
def test_lines_that_look_at_a_host_become_checks(line: str, settings: dict[str, object]) -> None:
    assert only(shell(line)) == settings


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("df -h relative", "its path is not a plain absolute path"),
        ("df -h /srv/../../etc", "its path is not a plain absolute path"),
        ("df -h $DATA", "it holds $DATA"),
        ("df -h /mnt/<disk>x", "it holds a placeholder: <disk>"),
        ("systemctl status <unit name>", "it holds a placeholder: <unit-name>"),
        ("systemctl restart app", "systemctl restart does not ask whether a unit runs"),
        ("systemctl", "it says nothing to do"),
        ("systemctl status", "it names no unit to look at"),
        ("systemctl is-active 'a b'", "its unit is not a name of a unit"),
        ("systemctl is-active your-app", "it holds a placeholder: your-app"),
        ("ps aux | grep app > /tmp/list", "it collects a list into a file"),
        ("ps aux | grep 'a.*b'", "its pattern is more than a plain text"),
        ("ps aux | grep a | grep b", "it chooses processes in a way"),
        ("pgrep -u root app", "it chooses processes in a way"),
        ("pgrep -f '$NAME'", "it holds $NAME"),
    ],
)
def test_lines_that_look_at_a_host_and_are_left_say_why(line: str, reason: str) -> None:
    imported = shell(line)
    assert imported.checks == ()
    (item,) = imported.items
    assert item.fate is Fate.NOT_IMPORTED
    assert item.reason.startswith(reason)


@pytest.mark.parametrize(
    "lines",
    [
        ("# curl http://h/a",),
        ("echo curl http://h/a",),
        ("cat <<EOF", "curl http://h/a", "EOF"),
        ("apt install curl",),
        ("man df",),
        ("ps aux",),
        ("./curl http://h/a",),
    ],
)
def test_lines_that_only_speak_of_it_are_nothing(lines: tuple[str, ...]) -> None:
    assert shell(*lines).items == ()


def test_blocks_in_another_language_are_not_shell() -> None:
    assert shell("curl http://h/a", language="python").items == ()
    assert shell("curl http://h/a", language="").items == ()
    assert import_manual("Run `curl http://h/a`.\n\n    curl http://h/b\n", "m.md").items == ()


def test_after_a_here_document_lines_count_again() -> None:
    imported = shell("cat > f <<'END'", "curl http://h/a", "END", "curl http://h/b")
    assert [(item.line, item.text) for item in imported.items] == [(7, "curl http://h/b")]


def test_variables_of_the_block_are_filled_in() -> None:
    imported = shell('URL="http://h:1"', "curl -s $URL/a", 'curl "${URL}/b"', "URL=$OTHER", "curl $URL/c")
    assert [draft.settings["path"] for draft in imported.checks] == ["/a", "/b", "/c"], "the last plain value counts"


def test_a_line_that_goes_on_counts_from_its_first() -> None:
    imported = shell("", "curl -s \\", "  -H 'X: 1' \\", "  http://h/a", "df /")
    assert [(item.line, item.fate) for item in imported.items] == [(5, Fate.NOT_IMPORTED), (8, Fate.CHECK)]


def test_the_same_question_twice_is_one_check_with_both_lines() -> None:
    imported = shell("curl http://h/health", "curl -s http://h/health | jq .", "df /", "df -h /")
    assert [(draft.name, draft.lines) for draft in imported.checks] == [("health", (4, 5)), ("disk-root", (6, 7))]
    assert [item.fate for item in imported.items] == [Fate.CHECK, Fate.SAME, Fate.CHECK, Fate.SAME]


def test_names_are_told_apart() -> None:
    imported = shell("curl http://h/health", "curl http://h/health/", "curl http://h/", "curl http://i:81/health", "curl http://i-81/x")
    assert [draft.name for draft in imported.checks] == ["health", "health-2", "root", "i-81-health", "i-81-2-x"]
    assert imported.targets == {"api": "http://h", "i-81": "http://i:81", "i-81-2": "http://i-81"}


def test_the_service_takes_its_name_from_the_title_or_the_file() -> None:
    assert import_manual("# Big Thing - Operations Guide", "x.md").service == "big-thing"
    assert import_manual("Setext: a title\n====", "x.md").service == "setext"
    assert import_manual("no heading", "My Manual.md").service == "my-manual"
    assert import_manual("# 手册", "手.md").service == "service"
    assert slug("Größe  & Co. / x" * 9) == slug("Größe  & Co. / x" * 9).strip("-")
    assert len(slug("a" * 99)) == 60


FIGURES = """# S

```bash
{shell}
```

| Metric | Warning | Critical |
|---|---|---|
{rows}
"""


def figures(shell_line: str, *rows: str) -> Imported:
    return import_manual(FIGURES.format(shell=shell_line, rows="\n".join(rows)), "m.md")


@pytest.mark.parametrize(
    ("line", "row", "checks"),
    [
        ("curl http://h/health", "| Response Time | > 0.5s | ≥2 s |", {"health": {"warn": "> 0.5s", "fail": ">= 2s"}}),
        ("curl http://h/health", "| API latency | >100ms | |", {"health": {"warn": "> 100ms"}}),
        ("pgrep -f a", "| Memory | >1GiB | >2GiB |", {"process-a": {"memory": {"warn": "> 1GiB", "fail": "> 2GiB"}}}),
        ("pgrep -f a", "| Memory usage | >80% | >90% |", {"memory": {"memory": {"warn": "> 80%", "fail": "> 90%"}}}),
        ("df /", "| CPU | >80% | >90% |", {"cpu": {"cpu": {"warn": "> 80%", "fail": "> 90%"}}}),
        (
            "df /a /b",
            "| Disk | >70% | >85% |",
            {"disk-a": {"warn": "> 70%", "fail": "> 85%"}, "disk-b": {"warn": "> 70%", "fail": "> 85%"}},
        ),
        ("true", "| Disk space | >70% | >85% |", {"disk-root": {"mount": "/", "warn": "> 70%", "fail": "> 85%"}}),
    ],
)
def test_key_figures_become_limits(line: str, row: str, checks: dict[str, dict[str, object]]) -> None:
    imported = figures(line, row)
    assert [item.fate for item in imported.items][-1] is Fate.LIMIT
    written = {draft.name: dict(draft.settings) for draft in imported.checks}
    for name, wanted in checks.items():
        assert wanted.items() <= written[name].items()


@pytest.mark.parametrize(
    ("line", "row", "reason"),
    [
        ("true", "| Response time | >1s | >2s |", "there is no check that measures the response time"),
        ("true", "| Memory | >1GB | >2GB |", "there is no check that measures the memory"),
        ("curl http://h/health", "| Response time | slow | >2s |", "its limits are not such as"),
        ("curl http://h/health", "| Response time | >80% | >90% |", "its limits are not such as"),
        ("curl http://h/health", "| Response time p95 | >1s | >2s |", "it is a share or a sum over time"),
        ("true", "| Memory | >80% | >2GB |", "its limits are not such as"),
        ("true", "| Error Rate | >1% | >5% |", "it is a share or a sum over time"),
        ("true", "| Happiness | <5 | <3 |", "no kind of check measures it"),
        ("true", "| CPU |", "its limits are not such as"),
        ("true", "| CPU | >٣% | >1e9% |", "its limits are not such as"),
    ],
)
def test_key_figures_that_are_left_say_why(line: str, row: str, reason: str) -> None:
    item = figures(line, row).items[-1]
    assert item.fate is Fate.NOT_IMPORTED
    assert item.reason.startswith(reason)


def test_a_metric_has_its_limits_from_the_first_row() -> None:
    imported = figures("df /", "| Disk | >70% | >80% |", "| Disk of logs | >80% | >90% |")
    assert imported.items[-1].reason == "line 9 gives limits for the disk already"


def test_other_tables_are_nothing() -> None:
    assert import_manual("| Level | Means |\n|---|---|\n| CPU | much |\n", "m.md").items == ()


def expected(heading: str, block: str, line: str = "curl http://h/health") -> Imported:
    return import_manual(f"```bash\n{line}\n```\n## {heading}\n```json\n{block}\n```\n", "m.md")


def test_an_expected_response_becomes_conditions() -> None:
    block = '// all is well\n{"status": "UP", "version": "1", "services": {"db": "up", "n": 3, "a.b": "up", "x y": "up"}, "uptime": 3}'
    imported = expected("Expected response", block)
    assert only(imported)["http"] == {
        "target": "api",
        "path": "/health",
        "expect": {"status": 200, "json.status": "UP", "json.services.db": "up"},
    }
    assert imported.items[-1].line == 6


@pytest.mark.parametrize(
    ("heading", "block", "line", "reason"),
    [
        ("Expected response", "{", "curl http://h/health", "it is not valid JSON"),
        ("Expected response", "[" * 100_000, "curl http://h/health", "it is not valid JSON"),
        ("Expected response", "[1]", "curl http://h/health", "it holds neither a status nor services"),
        ("Expected response", '{"status": "> 5", "services": {"a": "\\u001b[2J"}}', "curl http://h/health", "it holds neither a status"),
        ("Expected response", '{"status": "ok"}', "curl http://h/a", "there is no check of a health endpoint"),
    ],
)
def test_an_expected_response_that_is_left_says_why(heading: str, block: str, line: str, reason: str) -> None:
    item = expected(heading, block, line).items[-1]
    assert item.fate is Fate.NOT_IMPORTED
    assert item.reason.startswith(reason)


def test_json_below_another_heading_is_nothing() -> None:
    assert len(expected("Error response", '{"status": "failed"}').items) == 1
    assert len(expected("Unhealthy", '{"status": "failed"}').items) == 1


def test_how_often_can_be_said() -> None:
    imported = import_manual("```sh\ndf /\ncurl http://h/a\n```", "m.md", every="7s")
    assert {check["every"] for check in yaml.safe_load(imported.yaml)["checks"].values()} == {"7s"}


def test_a_manual_without_anything_to_run_has_no_checks() -> None:
    parsed = yaml.safe_load(import_manual("# Only words\n", "m.md").yaml)
    assert parsed == {"keepwell": 1, "service": "only-words", "checks": {}}


def test_there_are_never_more_than_a_thousand_checks() -> None:
    imported = shell(*(f"df /a{number}" for number in range(1005)))
    assert len(imported.checks) == 1000
    assert imported.items[-1].reason == "there are 1000 checks already"
