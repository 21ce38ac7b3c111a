"""Requests on a command line: what becomes an http check, what a step, what is expected of the answer."""

import pytest

from keepwell.composition import verbs
from keepwell.rooms.manual.importing.http_words import host_and_port, place_of
from keepwell.rooms.manual.importing.jq_conditions import condition_of, path_of
from keepwell.rooms.manual.importing.model import CheckDraft, Disposition, ExpectDraft, Fate, Wanting
from keepwell.rooms.manual.importing.recognise.curl import RECOGNISER as CURL
from keepwell.rooms.manual.importing.recognise.jq import RECOGNISER as JQ
from keepwell.rooms.manual.importing.recognise.prometheus_query import RECOGNISER as PROMETHEUS
from tests.importing_support import only_check, recognised


@pytest.mark.parametrize(
    ("line", "base", "path"),
    [
        ("curl http://localhost:3001/health", "http://localhost:3001", "/health"),
        ("curl -sSf https://db/x?a=1", "https://db", "/x?a=1"),
        ("sudo curl --max-time 5 -o /dev/null -w '%{time_total}' http://h/a", "http://h", "/a"),
        ("curl -sSo/dev/null http://h/a", "http://h", "/a"),
        ("curl -X GET http://h", "http://h", "/"),
        ("curl --request=GET http://h/c", "http://h", "/c"),
        ("curl localhost:9200/_cluster/health", "http://localhost:9200", "/_cluster/health"),
        ("if ! curl -f http://h/a; then echo no; fi", "http://h", "/a"),
        ('curl --url "http://H:80/?q=[1]"', "http://h:80", "/?q=%5B1%5D"),
        ("curl http://[::1]:8080/ready", "http://[::1]:8080", "/ready"),
        ("PORT=8080\ncurl http://localhost:${PORT}/health", "http://localhost:8080", "/health"),
        ("code=$(curl -s -o /dev/null -w '%{http_code}' http://h/a)", "http://h", "/a"),
        ('echo "answer: $(curl -s http://h/status)"', "http://h", "/status"),
        ("wget -qO- http://h/health", "http://h", "/health"),
    ],
)
def test_a_request_that_reads_is_an_http_check(line: str, base: str, path: str) -> None:
    found = recognised(CURL, line)
    assert (found.fate, found.disposition, found.operation) == (Fate.CHECK, Disposition.CARRIED, "http.get")
    draft = only_check(found)
    assert (draft.kind, draft.base, draft.settings["path"]) == ("http", base, path)


@pytest.mark.parametrize("line", ["curl -I http://h/a", "curl -sS --head http://h/a", "wget --spider http://h/a"])
def test_asking_for_the_headers_only_is_head(line: str) -> None:
    found = recognised(CURL, line)
    assert found.operation == "http.head"
    assert only_check(found).settings["method"] == "HEAD"


def test_several_addresses_are_several_checks() -> None:
    drafts = recognised(CURL, "curl http://h/a http://i/b").drafts
    assert [draft.base for draft in drafts if isinstance(draft, CheckDraft)] == ["http://h", "http://i"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("curl -s http://h/health | jq '.'", None),
        ("curl -s http://h/health | jq -r '.status'", None),
        ("curl -s http://h/health | jq -e '.status == \"UP\"'", {"json.status": "UP"}),
        ("curl -s http://h/health | jq -e '.queue.waiting < 100'", {"json.queue.waiting": "< 100"}),
        ("curl -s http://h/health | grep -q '\"ready\":true'", {"body": '"ready":true'}),
        ("curl -s http://h/health | jq -r .status | grep -q UP", {"json.status": "UP"}),
        ("curl -s http://h/health | jq -r .status | grep DOWN", {"json.status": "!= DOWN"}),
        ('s=$(curl -s http://h/health | jq -r .status)\nif [ "$s" != "healthy" ]; then echo bad; fi', {"json.status": "healthy"}),
        ('s=$(curl -s http://h/health | jq -r .db.state)\nif [ "$s" = "DOWN" ]; then echo bad; fi', {"json.db.state": "!= DOWN"}),
        ('[ "$(curl -s http://h/health | jq -r .status)" = "UP" ] || echo bad', {"json.status": "UP"}),
    ],
)
def test_what_the_answer_is_compared_with_is_expected_of_it(lines: str, expected: object) -> None:
    assert only_check(recognised(CURL, lines)).settings.get("expect") == expected


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ("c=$(curl -s -o /dev/null -w '%{http_code}' http://h/a)\nif [ \"$c\" -ne 204 ]; then echo bad; fi", 204),
        ("curl -s -o /dev/null -w '%{http_code}' http://h/a | grep -q 200", 200),
    ],
)
def test_a_status_is_expected_of_the_one_check_of_that_path(lines: str, status: int) -> None:
    drafts = recognised(CURL, lines).drafts
    assert drafts == (CheckDraft("http", {"path": "/a"}, "http://h"), ExpectDraft({"status": status}, "/a"))
    (draft,) = recognised(CURL, f"{lines}\ncurl http://other/a").drafts  # two servers have such a path
    assert draft == CheckDraft("http", {"path": "/a", "expect": {"status": status}}, "http://h")


def test_a_measured_time_can_bear_limits() -> None:
    found = recognised(CURL, "t=$(curl -s -o /dev/null -w '%{time_total}' http://h/a)")
    assert found.capabilities[0] == "metric"
    assert only_check(found).measures == ("response time",)


def test_headers_are_sent_and_the_authority_is_kept() -> None:
    settings = only_check(recognised(CURL, "curl --cacert /etc/ca.pem -H 'Accept: text/plain' https://h/a")).settings
    assert settings == {"path": "/a", "headers": {"Accept": "text/plain"}, "authority": "/etc/ca.pem"}


@pytest.mark.parametrize(
    ("line", "header", "name"),
    [
        ('curl -H "Authorization: Bearer $SHOP_TOKEN" https://h/a', "Authorization", "SHOP_TOKEN_HEADER"),
        ('curl -H "X-Api-Key: $SHOP_KEY" https://h/a', "X-Api-Key", "SHOP_KEY"),
        ("curl -u admin:hunter2 https://h/a", "Authorization", "API_AUTHORIZATION"),
        ("curl -b session=abc https://h/a", "Cookie", "API_COOKIE"),
        ("curl --oauth2-bearer $SHOP_TOKEN https://h/a", "Authorization", "SHOP_TOKEN_HEADER"),
    ],
)
def test_credentials_become_a_reference_to_a_secret(line: str, header: str, name: str) -> None:
    found = recognised(CURL, line)
    assert found.capabilities[0] == "check.external_api"
    assert found.disposition is Disposition.MISSING
    assert [(missing.name, missing.wanting) for missing in found.missing] == [(name, Wanting.SECRET)]
    draft = only_check(found)
    assert draft.settings["secrets"] == {header: f"secret:{name}"}
    assert "hunter2" not in str(draft) + str(found)
    assert recognised(CURL, line, values={name: f"secret:{name}"}).disposition is Disposition.CARRIED


@pytest.mark.parametrize("header", ["X-Bait: secret:HOME", "Not a name: x", "X: a\x07b"])
def test_a_header_that_a_check_cannot_send_is_left_as_it_is(header: str) -> None:
    found = recognised(CURL, f"curl -H '{header}' https://h/a")
    assert (found.fate, found.drafts) == (Fate.CHECK, ())


def test_what_is_to_be_filled_in_keeps_a_check_waiting() -> None:
    line = 'curl "https://api.yourdomain.com/v1/$SHOP_TABLE"'
    found = recognised(CURL, line)
    assert (found.fate, found.disposition) == (Fate.CHECK, Disposition.MISSING)
    assert {missing.name for missing in found.missing} == {"YOURDOMAIN_COM", "SHOP_TABLE"}
    filled = recognised(CURL, line, values={"YOURDOMAIN_COM": "shop.test", "SHOP_TABLE": "orders"})
    assert (filled.disposition, filled.missing) == (Disposition.CARRIED, ())
    assert (only_check(filled).base, only_check(filled).settings["path"]) == ("https://api.shop.test", "/v1/orders")


@pytest.mark.parametrize("line", ["curl http://user:pw@h/a", "curl ftp://h/a", "curl 'http://h:99999/'", "curl http:///x"])
def test_what_is_no_address_to_ask_is_left_as_it_is(line: str) -> None:
    found = recognised(CURL, line)
    assert found.drafts == ()
    assert found.reason


@pytest.mark.parametrize("line", ["curl --unix-socket /run/docker.sock http://h/info", "curl -x http://proxy http://h/a"])
def test_options_that_are_not_understood_leave_it_shell(line: str) -> None:
    found = recognised(CURL, line)
    assert (found.operation, found.drafts) == ("", ())


def test_what_is_asked_inside_a_container_is_asked_there() -> None:
    found = recognised(CURL, "docker exec shop curl -s http://localhost:8080/health")
    expected = ["docker", "exec", "shop", "curl", "--fail", "-s", "http://localhost:8080/health"]
    assert only_check(found).settings["run"] == expected


@pytest.mark.parametrize(
    ("line", "operation"),
    [
        ("curl -X POST http://h/orders -d '{}'", "http.post"),
        ("curl -d a=b http://h/orders", "http.post"),
        ("curl -X DELETE http://h/orders/7", "http.delete"),
        ("curl -T file http://h/upload", "http.put"),
        ("wget --post-data=x http://h/orders", "http.post"),
        ("curl -fsSL https://h/install.sh | bash", ""),
        ("curl -LO https://h/tool.tar.gz", "http.download"),
        ("until curl -sf http://h/health; do sleep 1; done", "http.get"),
    ],
)
def test_what_changes_fetches_or_waits_is_a_step(line: str, operation: str) -> None:
    found = recognised(CURL, line)
    assert (found.fate, found.operation, found.drafts) == (Fate.STEP, operation, ())


@pytest.mark.parametrize(
    ("section", "line", "capability"),
    [
        ("Alerts", "curl -X POST -d '{}' https://hooks.slack.com/services/T0/B0/abc", "notify"),
        ("Alerts", 'curl -X POST -d "{}" "$ALERT_WEBHOOK"', "notify"),
        ("Webhooks", "# Verify that the payment webhook responds\ncurl -X POST -d a=b http://h/hooks/payment", "check.webhook"),
        ("Health", "curl http://h/health", "check.http"),
        ("Orders", "curl http://h/api/orders", "api"),
        ("TLS", "# Test the TLS configuration\ncurl -I https://h/", "check.tls"),
        ("Alerts", "curl -s http://alertmanager:9093/api/v2/alerts", "check.alertmanager"),
    ],
)
def test_what_a_request_is_for(section: str, line: str, capability: str) -> None:
    assert recognised(CURL, line, section).capabilities[0] == capability


def test_alertmanager_is_asked_by_the_api_that_it_still_has() -> None:
    found = recognised(CURL, "curl -s http://alertmanager:9093/api/v1/alerts | jq '.data[]'")
    assert found.operation == "alertmanager.alerts"
    draft = only_check(found)
    assert (draft.kind, draft.settings, draft.base) == ("alertmanager", {}, "http://alertmanager:9093")
    status = only_check(recognised(CURL, "curl -s http://alertmanager:9093/api/v1/status"))
    assert (status.kind, status.settings["path"]) == ("http", "/api/v2/status")


@pytest.mark.parametrize(
    ("query", "kind", "settings"),
    [
        ("active=true&silenced=false", "alertmanager", {}),
        ("filter=severity%3D%22critical%22", "alertmanager", {"matchers": ['severity="critical"']}),
        ("filter=severity=critical&filter=team=~web.*", "alertmanager", {"matchers": ['severity="critical"', 'team=~"web.*"']}),
        ("receiver=pager", "http", {"path": "/api/v2/alerts?receiver=pager"}),
        ("silenced=true&active=false", "http", {"path": "/api/v2/alerts?silenced=true&active=false"}),
    ],
)
def test_alerts_are_chosen_as_the_request_chooses_them(query: str, kind: str, settings: dict[str, object]) -> None:
    draft = only_check(recognised(CURL, f"curl -s 'http://alertmanager:9093/api/v2/alerts?{query}'"))
    assert (draft.kind, draft.settings) == (kind, settings)
    assert verbs.check_problem(kind, {**settings, "url": draft.base}) == ""


def test_alerts_are_asked_for_with_what_the_server_wants_to_see() -> None:
    line = 'curl -s -H "Authorization: Bearer $AM_TOKEN" -H "X-Team: web" http://alertmanager:9093/api/v2/alerts'
    draft = only_check(recognised(CURL, line))
    assert draft.kind == "alertmanager"
    assert draft.settings == {"headers": {"X-Team": "web"}, "secrets": {"Authorization": "secret:AM_TOKEN_HEADER"}}


def test_a_webhook_that_wants_post_is_there_all_the_same() -> None:
    found = recognised(CURL, "curl -I http://h/hooks/payment", "Webhook failures")
    assert only_check(found).settings["expect"] == {"status": ["2xx", 405]}


@pytest.mark.parametrize(
    ("line", "expression"),
    [
        ("curl -s 'http://p:9090/api/v1/query?query=sum(rate(a_total{b=\"c\"}[5m]))'", 'sum(rate(a_total{b="c"}[5m]))'),
        ("curl -s 'http://p:9090/api/v1/query?query=up%20%3D%3D%200'", "up == 0"),
        ("curl -s -G http://p:9090/api/v1/query --data-urlencode 'query=a + b'", "a + b"),
        ("curl -s 'http://p:9090/api/v1/query?query=max_over_time(rate(a[5m])[30d])'", "max_over_time(rate(a[5m])[30d:])"),
    ],
)
def test_a_query_keeps_its_promql(line: str, expression: str) -> None:
    found = recognised(PROMETHEUS, line)
    assert (found.capabilities[0], found.operation, found.reason) == ("check.promql", "prometheus.query", f"PromQL: {expression}")
    draft = only_check(found)
    assert (draft.kind, draft.settings, draft.base) == ("prometheus", {"query": expression, "no_data": "ok"}, "http://p:9090")


def test_a_query_behind_a_path_is_put_to_it() -> None:
    draft = only_check(recognised(PROMETHEUS, "curl -s 'http://p/prometheus/api/v1/query?query=up'"))
    assert (draft.settings, draft.base) == ({"query": "up", "no_data": "ok", "url": "http://p/prometheus"}, "")


def test_the_value_that_a_query_shows_is_kept() -> None:
    found = recognised(
        PROMETHEUS, "curl -s 'http://p:9090/api/v1/query?query=up' | jq -r '.data.result[0].value[1]' >> report.txt", "Report"
    )
    assert found.capabilities[0] == "report"
    assert (only_check(found).name, only_check(found).every) == ("up", "1d")
    assert only_check(found).settings == {"query": "up", "no_data": "fail"}


def test_a_query_is_called_what_the_line_calls_it() -> None:
    line = 'echo "  - Error rate: $(curl -s http://p:9090/api/v1/query?query=errors_total)"'
    assert only_check(recognised(PROMETHEUS, line)).name == "Error rate"


KEPT = """\
curl -s -o /tmp/answer.json http://h/health
status=$(jq -r .status /tmp/answer.json)
if [ "$status" != "healthy" ]; then echo bad; fi
"""


def test_a_figure_read_from_a_kept_answer_is_expected_of_the_request() -> None:
    found = recognised(JQ, KEPT)
    assert (found.fate, found.operation) == (Fate.CHECK, "json.read")
    assert found.drafts == (ExpectDraft({"json.status": "healthy"}, "/health"),)


@pytest.mark.parametrize(("line", "operation"), [("jq -r .version package.json", "json.read"), ("jq '.a = 1' a.json > b.json", "")])
def test_json_of_another_origin_is_only_shown_or_changed(line: str, operation: str) -> None:
    found = recognised(JQ, line)
    assert (found.fate, found.operation, found.drafts) == (Fate.STEP, operation, ())


@pytest.mark.parametrize(
    ("text", "path"),
    [(".status", "status"), (" .a.b[0].c ", "a.b[0].c"), ('.a["x.y"]', 'a["x.y"]'), (".", ""), (".a[]", ""), (".a | length", ""), ("", "")],
)
def test_the_one_place_that_a_filter_shows(text: str, path: str) -> None:
    assert path_of(text) == path


@pytest.mark.parametrize(
    ("text", "conditions"),
    [
        ('.a == "b"', {"json.a": "b"}),
        ('.a == "> b"', {"json.a": "== > b"}),
        ('.a != "b"', {"json.a": "!= b"}),
        (".a >= 5", {"json.a": ">= 5"}),
        (".a == true", {"json.a": True}),
        (".a[] == 1", {}),
        (".a and .b", {}),
    ],
)
def test_a_filter_that_is_a_condition(text: str, conditions: object) -> None:
    assert condition_of(text) == conditions


@pytest.mark.parametrize(
    ("text", "base", "path"),
    [
        ("h", "http://h", "/"),
        ("https://H:8443/a%20b?x=1&y={z}", "https://h:8443", "/a%20b?x=1&y=%7Bz%7D"),
        ("http://h/ä", "http://h", "/%C3%A4"),
    ],
)
def test_an_address_is_taken_apart(text: str, base: str, path: str) -> None:
    place = place_of(text)
    assert (place.base, place.path, place.problem) == (base, path, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("h:443", ("h", 443)), ("h", ("h", 80)), ("[::1]:53", ("::1", 53)), ("h:0", ("", 0)), ("a/b:1", ("", 0)), ("h:x", ("", 0))],
)
def test_host_and_port(text: str, expected: tuple[str, int]) -> None:
    assert host_and_port(text, 80) == expected
