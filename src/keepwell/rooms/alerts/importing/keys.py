"""The keys of Alertmanager 0.25's file: which there are, and how each is read.

Debian's amtool was asked for every one of them; tests ask it again. See https://prometheus.io/docs/alerting/0.25/configuration/.
"""

from keepwell.config.nodes import Node

from . import rules, values
from .reading import BAD, Read, Reader, Shape, checked, flag, is_nothing, listed, named, secret, text, whole

_texts = named(text)
_url = checked(values.web_address)
_secret_url = checked(values.web_address, secret)
_server = checked(values.host_port)


def _plain(*keys: str) -> dict[str, Read]:
    return dict.fromkeys(keys, text)


def _hidden(*keys: str) -> dict[str, Read]:
    return dict.fromkeys(keys, secret)


# --- how a receiver's client connects ------------------------------------------------------------------------------------------

_TLS = Shape(
    {
        **_plain("ca_file", "cert_file", "key_file", "server_name"),
        "insecure_skip_verify": flag,
        "min_version": checked(values.tls_version),
        "max_version": checked(values.tls_version),
    }
)
_BASIC = Shape(
    {"username": text, "password": secret, "password_file": text},
    (rules.at_most_one("password", "password_file"),),
)
_AUTHORIZATION = Shape(
    {"type": text, "credentials": secret, "credentials_file": text},
    (rules.at_most_one("credentials", "credentials_file"), rules.no_basic_authorization),
)
_OAUTH2 = Shape(
    {
        **_plain("client_id", "client_secret_file", "token_url"),
        "client_secret": secret,
        "scopes": listed(text),
        "endpoint_params": _texts,
        "proxy_url": checked(values.address, secret),
        "tls_config": _TLS,
    },
    (
        rules.needed("client_id"),
        rules.needed("token_url"),
        rules.one_of("client_secret", "client_secret_file"),
        rules.at_most_one("client_secret", "client_secret_file"),
    ),
)
_HTTP = Shape(
    {
        "basic_auth": _BASIC,
        "authorization": _AUTHORIZATION,
        "oauth2": _OAUTH2,
        "bearer_token": secret,
        "bearer_token_file": text,
        "proxy_url": checked(values.address, secret),
        "proxy_connect_header": named(listed(secret)),
        "tls_config": _TLS,
        "follow_redirects": flag,
        "enable_http2": flag,
    },
    (rules.one_way_to_authorize, rules.proxy_for_its_headers),
)
_CLIENT: dict[str, Read] = {"send_resolved": flag, "http_config": _HTTP}


# --- receivers -----------------------------------------------------------------------------------------------------------------

_EMAIL = Shape(
    {
        "send_resolved": flag,
        **_plain("to", "from", "hello", "auth_username", "auth_password_file", "auth_identity", "html", "text"),
        **_hidden("auth_password", "auth_secret"),
        "smarthost": _server,
        "headers": _texts,
        "require_tls": flag,
        "tls_config": _TLS,
    },
    (rules.needed("to"), rules.headers_once),
)
_PAGERDUTY = Shape(
    {
        **_CLIENT,
        **_hidden("service_key", "routing_key"),
        **_plain("service_key_file", "routing_key_file", "client", "client_url", "description", "source", "severity", "class"),
        **_plain("component", "group"),
        "url": _url,
        "details": _texts,
        "images": listed(Shape(_plain("href", "alt", "src"))),
        "links": listed(Shape(_plain("href", "text"))),
    },
    (
        rules.one_of("service_key", "service_key_file", "routing_key", "routing_key_file"),
        rules.at_most_one("service_key", "service_key_file"),
        rules.at_most_one("routing_key", "routing_key_file"),
    ),
)
_SLACK_ACTION = Shape(
    {
        **_plain("type", "text", "url", "style", "name", "value"),
        "confirm": Shape(_plain("text", "title", "ok_text", "dismiss_text"), (rules.needed("text"),)),
    },
    (rules.needed("type"), rules.needed("text"), rules.one_of("url", "name")),
)
_SLACK = Shape(
    {
        **_CLIENT,
        "api_url": _secret_url,
        **_plain("api_url_file", "channel", "username", "color", "title", "title_link", "pretext", "text", "footer", "fallback"),
        **_plain("callback_id", "icon_emoji", "icon_url", "image_url", "thumb_url"),
        "fields": listed(Shape({**_plain("title", "value"), "short": flag}, (rules.needed("title"), rules.needed("value")))),
        "short_fields": flag,
        "link_names": flag,
        "mrkdwn_in": listed(text),
        "actions": listed(_SLACK_ACTION),
    },
    (rules.at_most_one("api_url", "api_url_file"),),
)
_WEBHOOK = Shape({**_CLIENT, "url": _secret_url, "max_alerts": whole(0)}, (rules.needed("url"),))
_OPSGENIE = Shape(
    {
        **_CLIENT,
        "api_key": secret,
        **_plain("api_key_file", "message", "description", "source", "entity", "actions", "tags", "note", "priority"),
        "api_url": _url,
        "details": _texts,
        "responders": listed(Shape(_plain("id", "name", "username", "type"), (rules.one_of("id", "name", "username"), rules.responder))),
        "update_alerts": flag,
    },
    (rules.at_most_one("api_key", "api_key_file"),),
)
_WECHAT = Shape(
    {
        **_CLIENT,
        "api_secret": secret,
        "api_url": _url,
        **_plain("corp_id", "message", "to_user", "to_party", "to_tag", "agent_id", "message_type"),
    },
    (rules.among("message_type", "text", "markdown"),),
)
_PUSHOVER = Shape(
    {
        **_CLIENT,
        **_hidden("user_key", "token"),
        **_plain("title", "message", "url", "url_title", "sound", "priority"),
        "retry": checked(values.go_duration),
        "expire": checked(values.go_duration),
        "html": flag,
    },
    (rules.needed("user_key"), rules.needed("token")),
)
_VICTOROPS = Shape(
    {
        **_CLIENT,
        "api_key": secret,
        "api_url": _url,
        **_plain("api_key_file", "routing_key", "message_type", "state_message", "entity_display_name", "monitoring_tool"),
        "custom_fields": _texts,
    },
    (rules.needed("routing_key"), rules.at_most_one("api_key", "api_key_file"), rules.own_fields),
)
_SNS = Shape(
    {
        **_CLIENT,
        **_plain("api_url", "topic_arn", "phone_number", "target_arn", "subject", "message"),
        "sigv4": Shape({**_plain("region", "access_key", "profile", "role_arn"), "secret_key": secret}, (rules.both_keys,)),
        "attributes": _texts,
    },
    (rules.one_destination,),
)
_TELEGRAM = Shape(
    {
        **_CLIENT,
        "bot_token": secret,
        "api_url": _url,
        "chat_id": whole(),
        **_plain("message", "parse_mode"),
        "disable_notifications": flag,
    },
    (rules.needed("bot_token"), rules.needed("chat_id"), rules.among("parse_mode", "Markdown", "MarkdownV2", "HTML")),
)
_WEBEX = Shape({**_CLIENT, "api_url": _url, **_plain("message", "room_id")}, (rules.needed("room_id"), rules.authorized))
_DISCORD = Shape({**_CLIENT, "webhook_url": _secret_url, **_plain("title", "message")}, (rules.needed("webhook_url"),))

KINDS: dict[str, Shape] = {
    "discord": _DISCORD,
    "email": _EMAIL,
    "opsgenie": _OPSGENIE,
    "pagerduty": _PAGERDUTY,
    "pushover": _PUSHOVER,
    "slack": _SLACK,
    "sns": _SNS,
    "telegram": _TELEGRAM,
    "victorops": _VICTOROPS,
    "webex": _WEBEX,
    "webhook": _WEBHOOK,
    "wechat": _WECHAT,
}
"""The integrations that a receiver may have: ``email_configs`` and so on."""

_RECEIVER = Shape({"name": text, **{f"{kind}_configs": listed(shape) for kind, shape in KINDS.items()}}, (rules.needed("name"),))


# --- all of the file -----------------------------------------------------------------------------------------------------------

_GLOBAL = Shape(
    {
        "resolve_timeout": checked(values.duration),
        "http_config": _HTTP,
        **_plain("smtp_from", "smtp_hello", "smtp_auth_username", "smtp_auth_password_file", "smtp_auth_identity"),
        **_hidden("smtp_auth_password", "smtp_auth_secret", "opsgenie_api_key", "wechat_api_secret", "victorops_api_key"),
        **_plain("slack_api_url_file", "opsgenie_api_key_file", "victorops_api_key_file", "wechat_api_corp_id"),
        "smtp_smarthost": _server,
        "smtp_require_tls": flag,
        "slack_api_url": _secret_url,
        **dict.fromkeys(("pagerduty_url", "opsgenie_api_url", "wechat_api_url", "victorops_api_url", "telegram_api_url"), _url),
        "webex_api_url": _url,
    },
    tuple(
        rules.at_most_one(key, f"{key}_file") for key in ("slack_api_url", "opsgenie_api_key", "victorops_api_key", "smtp_auth_password")
    ),
)
_TIMES = Shape({"start_time": text, "end_time": text}, (rules.times,))
_INTERVAL = Shape(
    {
        "times": listed(_TIMES),
        "weekdays": listed(checked(values.weekdays)),
        "days_of_month": listed(checked(values.days)),
        "months": listed(checked(values.months)),
        "years": listed(checked(values.years)),
        "location": checked(values.zone),
    }
)
_NAMED_INTERVAL = Shape({"name": text, "time_intervals": listed(_INTERVAL)}, (rules.needed("name"),))


def file_shape(newer: bool) -> Shape:
    """The whole file; with ``newer`` names of labels and matchers may be of any UTF-8."""
    matchers = listed(checked(values.newer_matchers if newer else values.matchers))
    any_name = values.any_label_name if newer else values.label_name
    names = listed(checked(any_name))
    return Shape(
        {
            "global": _GLOBAL,
            "route": _route(matchers, listed(checked(_grouping(newer)))),
            "inhibit_rules": listed(
                Shape(
                    {
                        **dict.fromkeys(("source_match", "target_match"), named(text, values.label_name)),
                        **dict.fromkeys(("source_match_re", "target_match_re"), named(_regular, values.label_name)),
                        **dict.fromkeys(("source_matchers", "target_matchers"), matchers),
                        "equal": names,
                    }
                )
            ),
            "receivers": listed(_RECEIVER),
            "templates": listed(checked(values.glob)),
            "mute_time_intervals": listed(_NAMED_INTERVAL),
            "time_intervals": listed(_NAMED_INTERVAL),
        },
        rules.OF_THE_FILE,
    )


def _route(matchers: Read, group_by: Read) -> Shape:
    shape = Shape({}, (rules.grouping, rules.some_time("group_interval"), rules.some_time("repeat_interval")))
    shape.fields |= {
        "receiver": text,
        "group_by": group_by,
        "match": named(text, values.label_name),
        "match_re": named(_regular, values.label_name),
        "matchers": matchers,
        "mute_time_intervals": listed(text),
        "active_time_intervals": listed(text),
        "continue": flag,
        "routes": listed(shape),
        **dict.fromkeys(("group_wait", "group_interval", "repeat_interval"), checked(values.duration)),
    }
    return shape


def _grouping(newer: bool) -> "values.Name":
    check = values.any_label_name if newer else values.label_name
    return lambda name: name if name == "..." else check(name)


def _regular(node: Node, reader: Reader) -> object:
    if is_nothing(node):
        reader.wrong("expected a regular expression, found nothing", node)
        return BAD
    return checked(values.regular)(node, reader)
