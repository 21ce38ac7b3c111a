"""What an Alertmanager configuration becomes: receivers, mail, secrets, names, and what is said of what is wrong."""

from typing import Any

import apprise
import pytest
import yaml

from keepwell.config.drivers import FolderDrivers
from keepwell.kernel.problems import ConfigurationError
from keepwell.rooms.alerts.delivery import offer as delivery
from keepwell.rooms.alerts.importing.decide import import_alertmanager
from keepwell.rooms.alerts.importing.model import Imported
from keepwell.rooms.alerts.importing.names import Names
from keepwell.rooms.alerts.importing.valid import problems_by

HIDDEN = "s3cr3t-value"


def imported(text: str, **settings: Any) -> Imported:
    drivers = FolderDrivers(delivery.PACKAGE, delivery.ENTRY_POINTS)
    return import_alertmanager(text.encode(), "am.yml", "shop", problems_by(drivers), **settings)


def one(receiver: str, more: str = "") -> Imported:
    """A file with one receiver, ``ops``."""
    return imported(f"{more}\nroute: {{receiver: ops}}\nreceivers:\n- name: ops\n  {receiver}\n")


def made(found: Imported) -> dict[str, Any]:
    sections: dict[str, Any] = yaml.safe_load(found.text)
    return sections


def receiver(found: Imported) -> Any:
    return made(found)["receivers"]["ops"]


def left(found: Imported) -> list[str]:
    return [f"{one.line} {one.what}: {one.why}" for one in found.left_out]


def refused(text: str, **settings: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        imported(text, **settings)
    return [f"{problem.where}: {problem.message}" for problem in caught.value.problems]


# --- receivers -----------------------------------------------------------------------------------------------------------------


def test_slack_keeps_its_address_secret() -> None:
    found = one(f"slack_configs: [{{api_url: 'https://hooks.slack.com/{HIDDEN}', channel: '#x', send_resolved: true, title: T}}]")
    assert receiver(found) == {"slack": {"url": "secret:OPS_SLACK_URL"}}
    assert [(need.name, need.line) for need in found.secrets] == [("OPS_SLACK_URL", 5)]
    assert left(found) == [
        "5 channel of slack of the receiver ops: an incoming webhook of Slack writes where and as whom it was made for",
        "5 title of slack of the receiver ops: Keepwell writes its own messages",
    ]


def test_slack_is_told_no_ends_unless_it_says_so() -> None:
    assert receiver(one("slack_configs: [{api_url_file: /run/slack}]")) == {
        "slack": {"url": "secret:file:/run/slack"},
        "send_resolved": False,
    }


def test_what_global_says_of_slack_is_one_secret_for_all() -> None:
    text = (
        f"global: {{slack_api_url: 'https://x/{HIDDEN}'}}\nroute: {{receiver: a}}\n"
        "receivers: [{name: a, slack_configs: [{}]}, {name: b, slack_configs: [{}]}]"
    )
    found = imported(text)
    assert {one["slack"]["url"] for one in made(found)["receivers"].values()} == {"secret:SLACK_API_URL"}
    assert [need.name for need in found.secrets] == ["SLACK_API_URL"]


def test_a_webhook_on_this_machine_is_no_secret_and_another_is() -> None:
    near, far = (
        one("webhook_configs: [{url: 'http://127.0.0.1:8080/x', max_alerts: 5}]"),
        one(f"webhook_configs: [{{url: 'http://h/{HIDDEN}'}}]"),
    )
    assert receiver(near) == {"webhook": {"url": "http://127.0.0.1:8080/x", "max_alerts": 5}}
    assert receiver(far) == {"webhook": {"url": "secret:OPS_WEBHOOK_URL"}}


def test_how_a_webhook_is_asked_comes_along() -> None:
    client = (
        f"{{basic_auth: {{username: u, password: {HIDDEN}}}, tls_config: {{insecure_skip_verify: true, ca_file: /ca.pem, server_name: s}}}}"
    )
    found = one(f"webhook_configs: [{{url: 'http://h/x', http_config: {client}}}]")
    assert receiver(found)["webhook"] == {
        "url": "secret:OPS_WEBHOOK_URL",
        "basic": {"user": "u", "password": "secret:OPS_WEBHOOK_PASSWORD"},
        "verify": False,
        "authority": "/ca.pem",
    }
    assert left(found) == ["5 tls_config.server_name of the receiver ops: Keepwell's receivers have no such setting"]


@pytest.mark.parametrize(
    ("client", "wanted"),
    [
        (f"{{authorization: {{credentials: {HIDDEN}}}}}", "secret:OPS_WEBHOOK_TOKEN"),
        ("{authorization: {type: Bearer, credentials_file: /run/token}}", "secret:file:/run/token"),
        (f"{{bearer_token: {HIDDEN}}}", "secret:OPS_WEBHOOK_TOKEN"),
        ("{bearer_token_file: /run/token}", "secret:file:/run/token"),
    ],
)
def test_tokens_come_along_as_secrets(client: str, wanted: str) -> None:
    assert receiver(one(f"webhook_configs: [{{url: 'http://h/x', http_config: {client}}}]"))["webhook"]["bearer"] == wanted


def test_what_global_says_of_clients_counts_for_webhooks() -> None:
    found = one("webhook_configs: [{url: 'http://h/x'}]", "global: {http_config: {bearer_token_file: /t, proxy_url: 'http://p'}}")
    assert receiver(found)["webhook"]["bearer"] == "secret:file:/t"
    assert left(found) == ["1 proxy_url of the receiver ops: Keepwell's receivers have no such setting"]


MAIL = (
    "global: {smtp_smarthost: 'm.example:587', smtp_from: 'Ops <ops@a.example>', smtp_auth_username: 'u@a.example', smtp_auth_password: %s}"
)


def test_mail_goes_by_the_server_of_global() -> None:
    found = one("email_configs: [{to: 'A <a@b.example>, c@d.example', from: x@y.example}]", MAIL % HIDDEN)
    assert made(found)["smtp"] == {
        "url": "smtp://u%40a.example@m.example:587",
        "password": "secret:SMTP_PASSWORD",
        "from": "ops@a.example",
    }
    assert receiver(found) == {"email": {"to": ["a@b.example", "c@d.example"], "from": "x@y.example"}, "send_resolved": False}


def test_a_mail_server_of_its_own_comes_along_whole() -> None:
    found = one("email_configs: [{to: a@b.example, smarthost: 'n.example:465', hello: me.example, auth_password_file: /p}]", MAIL % HIDDEN)
    assert receiver(found)["email"]["smtp"] == {
        "url": "smtps://u%40a.example@n.example:465",
        "password": "secret:file:/p",
        "from": "ops@a.example",
        "hello": "me.example",
    }


def test_a_relay_without_login_may_speak_in_clear_and_one_with_may_not() -> None:
    plain = "global: {smtp_smarthost: 'm.example:25', smtp_from: a@b.example, smtp_require_tls: false}"
    assert made(one("email_configs: [{to: a@b.example}]", plain))["smtp"]["starttls"] == "off"
    found = one("email_configs: [{to: a@b.example}]", (MAIL % HIDDEN).replace("}", ", smtp_require_tls: false}"))
    assert "starttls" not in made(found)["smtp"]
    assert left(found) == ["1 smtp_require_tls: false: a password is not sent in clear: STARTTLS stays required"]


def test_mail_to_a_template_is_left_out_and_the_receivers_above_are_told() -> None:
    found = one("""email_configs: [{to: '{{ template "x" . }}'}]""", MAIL % HIDDEN)
    assert "receivers" not in made(found)
    assert "receiver" not in made(found)["routes"]
    assert found.receivers == {"ops": None}
    assert [one.receiver for one in found.left_out] == [True]


def test_mail_from_nobody_in_particular_brings_its_own_server() -> None:
    text = "global: {smtp_smarthost: 'm.example:25'}"
    found = one("email_configs: [{to: a@b.example, from: c@d.example}]", text)
    assert receiver(found)["email"] == {"to": "a@b.example", "smtp": {"url": "smtp://m.example:25", "from": "c@d.example"}}
    assert "smtp" not in made(found)
    found = one("email_configs: [{to: a@b.example}]", "global: {smtp_smarthost: 'm.example:25', smtp_from: root}")
    assert left(found) == ['5 email of the receiver ops: "root" is no mail address: write NAME@HOST']


def test_what_is_no_address_here_is_left_out_with_the_reason() -> None:
    found = one("email_configs: [{to: root}]", MAIL % HIDDEN)
    assert left(found) == ['5 email of the receiver ops: "root" is no mail address: write NAME@HOST']


APPRISE = {
    "pushover": (f"{{user_key: {HIDDEN}, token: {HIDDEN}}}", "pover://" + "u" * 30 + "@" + "t" * 30),
    "telegram": (f"{{bot_token: {HIDDEN}, chat_id: -5}}", "tgram://123456789:" + "a" * 35 + "/-12345"),
    "discord": (
        f"{{webhook_url: 'https://discord.com/{HIDDEN}'}}",
        "https://discord.com/api/webhooks/4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    ),
    "opsgenie": (f"{{api_key: {HIDDEN}}}", "opsgenie://apikey123"),
    "victorops": (f"{{api_key: {HIDDEN}, routing_key: r}}", "splunk://route@" + "a" * 36),
    "sns": (
        f"{{topic_arn: a, sigv4: {{access_key: x, secret_key: {HIDDEN}}}}}",
        "sns://AHIAJGNT76XIMXDBIJYA/bu1dHSdO22pfaaVy/us-east-2/topic",
    ),
    "pagerduty": (f"{{routing_key: {HIDDEN}}}", "pagerduty://key@token"),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Apprise's own imports
@pytest.mark.parametrize("kind", APPRISE)
def test_what_apprise_knows_goes_through_it(kind: str) -> None:
    """The address that the report asks for is one that Apprise takes."""
    options, address = APPRISE[kind]
    found = one(f"{kind}_configs: [{options}]")
    assert receiver(found)["apprise"] == {"url": f"secret:OPS_{kind.upper()}_URL"}
    (needed,) = found.secrets
    assert needed.content.split("://")[0] in (address.split("://")[0], "the address of the webhook, of webhook_url")
    assert apprise.Apprise.instantiate(address) is not None


def test_pagerduty_is_not_told_of_ends() -> None:
    found = one("pagerduty_configs: [{routing_key: x}]")
    assert receiver(found)["send_resolved"] is False
    assert left(found) == ["5 ends for pagerduty of the receiver ops: incidents are raised, and not resolved"]


def test_what_nothing_knows_is_named() -> None:
    found = one("wechat_configs: [{api_secret: x, corp_id: y}]\n  webhook_configs: [{url: 'http://127.0.0.1/'}]")
    assert found.receivers == {"ops": ["ops-webhook"]}
    assert left(found) == ["5 wechat of the receiver ops: Keepwell has no receiver of this kind"]


def test_a_receiver_with_several_integrations_is_several_receivers() -> None:
    found = one("webhook_configs: [{url: 'http://127.0.0.1/1'}, {url: 'http://127.0.0.1/2'}]\n  slack_configs: [{api_url: 'http://s'}]")
    assert found.receivers == {"ops": ["ops-webhook", "ops-webhook-2", "ops-slack"]}
    assert made(found)["routes"]["receiver"] == ["ops-webhook", "ops-webhook-2", "ops-slack"]


def test_a_receiver_without_any_is_nobody() -> None:
    found = imported("route: {receiver: ops, routes: [{receiver: 'null', matchers: [a=b]}]}\nreceivers: [{name: ops}, {name: 'null'}]")
    assert made(found)["routes"]["routes"] == [{"receiver": [], "matchers": ['a="b"']}]


# --- routes and the rest -------------------------------------------------------------------------------------------------------


def test_old_and_new_matchers_become_matchers() -> None:
    rule = "{source_match: {a: 1}, source_match_re: {b: x|y}, target_matchers: ['{c=d,e!=f}'], equal: [g]}"
    found = one("webhook_configs: []", f"inhibit_rules: [{rule}]")
    assert made(found)["inhibit_rules"] == [
        {"source_matchers": ['a="1"', 'b=~"x|y"'], "target_matchers": ['c="d"', 'e!="f"'], "equal": ["g"]}
    ]


def test_a_route_with_an_empty_group_by_groups_as_the_one_above() -> None:
    found = imported("route: {receiver: a, group_by: [x], routes: [{group_by: [], receiver: a}]}\nreceivers: [{name: a}]")
    assert made(found)["routes"]["routes"] == [{"receiver": []}]


def test_time_intervals_have_names_as_here() -> None:
    found = imported(
        "route: {receiver: a, routes: [{mute_time_intervals: ['Off Hours']}]}\nreceivers: [{name: a}]\n"
        "mute_time_intervals: [{name: Off Hours, time_intervals: [{weekdays: [saturday], location: Local}]}]\n"
        "time_intervals: [{name: none}]\n"
    )
    assert made(found)["time_intervals"] == {"off-hours": [{"weekdays": ["saturday"]}], "none": [{"years": ["1970"]}]}
    assert made(found)["routes"]["routes"] == [{"mute_time_intervals": ["off-hours"]}]
    assert left(found) == ["3 location: Local of the time interval Off Hours: write the zone; until then it is UTC"]


def test_what_else_is_left_out_is_said() -> None:
    found = one("webhook_configs: []", "global: {resolve_timeout: 10m}\ntemplates: [x.tmpl]")
    assert left(found) == [
        "1 resolve_timeout: 10m: alerts without an end that are not told of again end after 5m",
        "2 the template files x.tmpl: Keepwell writes its own messages",
    ]


def test_names_are_valid_and_no_two_the_same() -> None:
    names = Names()
    assert [names.of("Team X / mails"), names.of("team x mails"), names.of("größe!"), names.of("***"), names.of("x" * 200)] == [
        "team-x-mails",
        "team-x-mails-2",
        "gr-e",
        "unnamed",
        "x" * 80,
    ]
    assert [names.secret("9 lives", "url"), names.secret("a-b", "url"), names.secret("a.b", "url")] == [
        "S_9_LIVES_URL",
        "A_B_URL",
        "A_B_URL_2",
    ]


# --- secrets, and what is wrong ------------------------------------------------------------------------------------------------

EVERYTHING = f"""\
global:
  slack_api_url: https://hooks.slack.com/{HIDDEN}
  smtp_smarthost: m.example:587
  smtp_from: a@b.example
  smtp_auth_username: u
  smtp_auth_password: {HIDDEN}
  opsgenie_api_key: {HIDDEN}
  victorops_api_key: {HIDDEN}
  http_config: {{basic_auth: {{username: u, password: {HIDDEN}}}}}
route: {{receiver: ops}}
receivers:
- name: ops
  slack_configs: [{{}}, {{api_url: 'http://h/{HIDDEN}'}}]
  email_configs: [{{to: a@b.example}}, {{to: a@b.example, auth_password: {HIDDEN}}}]
  webhook_configs:
  - {{url: 'http://u:{HIDDEN}@h/'}}
  - {{url: 'http://h/', http_config: {{oauth2: {{client_id: a, client_secret: {HIDDEN}, token_url: t}}}}}}
  opsgenie_configs: [{{}}, {{api_key: {HIDDEN}}}]
  victorops_configs: [{{routing_key: r}}]
  pushover_configs: [{{user_key: {HIDDEN}, token: {HIDDEN}}}]
  telegram_configs: [{{bot_token: {HIDDEN}, chat_id: 5}}]
  discord_configs: [{{webhook_url: 'http://h/{HIDDEN}'}}]
  pagerduty_configs: [{{routing_key: {HIDDEN}, service_key: {HIDDEN}}}]
  sns_configs: [{{topic_arn: t, sigv4: {{access_key: a, secret_key: {HIDDEN}}}}}]
  webex_configs: [{{room_id: r, http_config: {{authorization: {{credentials: {HIDDEN}}}}}}}]
  wechat_configs: [{{api_secret: {HIDDEN}, corp_id: c}}]
"""


def test_no_secret_is_in_what_comes_of_it() -> None:
    found = imported(EVERYTHING)
    assert HIDDEN not in repr(found)
    assert len(found.secrets) == 15


@pytest.mark.parametrize(
    "wrong",
    [
        f"global: {{slack_api_url: 'ftp://h/{HIDDEN}'}}",
        f"global: {{smtp_auth_password: [{HIDDEN}]}}",
        f"global: {{opsgenie_api_key: {HIDDEN}, foo: bar}}",
        f"receivers: [{{name: ops, webhook_configs: [{{url: 'http://h:{HIDDEN}/', max_alerts: x}}]}}]",
        f"receivers: [{{name: ops, slack_configs: [{{api_url: '{HIDDEN}', api_url_file: y}}]}}]",
        f"global: {{slack_api_url: http://{HIDDEN}\n  :bad: [",
        f"global:\n  slack_api_url: http://a\n  slack_api_url: http://{HIDDEN}",
        f"global: {{slack_app_token: {HIDDEN}}}",
    ],
)
def test_no_problem_shows_a_secret(wrong: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        imported(f"route: {{receiver: ops}}\n{wrong}\n")
    assert HIDDEN not in repr([(one.message, one.hint, one.where) for one in caught.value.problems])


def test_every_problem_is_told_at_once_with_its_place() -> None:
    text = (
        "global: {resolve_timeot: 5m, smtp_smarthost: x}\n"
        "route:\n  receiver: nobody\n  group_interval: 0s\n  routes:\n"
        "  - {matchers: ['a'], receiver: ops}\n  - {mute_time_intervals: [night]}\n"
        "receivers:\n- name: ops\n  pagerduty_configs: [{}]\n"
    )
    assert refused(text) == [
        'am.yml:1:10: "resolve_timeot" is not a key that Alertmanager 0.25 knows here',
        'am.yml:1:46: "x" is no server with its port: write HOST:25',
        'am.yml:3:3: "nobody" is none of the receivers',
        "am.yml:4:3: group_interval is zero",
        'am.yml:6:17: "a" is no matcher: write label="value", label!="value", label=~"pattern" or label!~"pattern"',
        'am.yml:7:6: "night" is none of the time intervals',
        "am.yml:10:23: one of the keys service_key, service_key_file, routing_key, routing_key_file is missing",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "this file has no route"), ("# x", "this file has no route"), ("[]", "expected keys with values, found a list")],
)
def test_what_is_no_configuration_is_refused(text: str, message: str) -> None:
    assert message in refused(text)[0]


def test_later_versions_names_of_any_characters_are_taken_where_that_is_wanted() -> None:
    text = "route: {receiver: a, group_by: ['größe'], routes: [{matchers: ['\"a b\"=c']}]}\nreceivers: [{name: a}]\ntracing: {}\n"
    assert len(refused(text)) == 3
    found = imported(text, newer=True)
    assert made(found)["routes"]["group_by"] == ["größe"]
    assert made(found)["routes"]["routes"] == [{"matchers": ['"a b"="c"']}]
    assert left(found) == ["3 tracing: Alertmanager 0.25 does not know it, and Keepwell has nothing for it"]
