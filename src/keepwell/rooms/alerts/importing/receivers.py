"""Alertmanager's integrations as receivers of keepwell.yaml. Secrets stay where they are: here stand their names only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import getaddresses, parseaddr
from typing import Any
from urllib.parse import quote

from keepwell.kernel.loopback import means_this_machine

from .model import LeftOut, SecretNeeded
from .names import Names
from .reading import Part

_SERVER = frozenset({"smarthost", "hello", "auth_username", "auth_password", "auth_password_file", "require_tls", "tls_config"})
"""What makes a mail server of its own of what a mail says."""

_TLS_FROM_THE_FIRST_BYTE = "465"
_QUIET = frozenset({"email", "slack", "wechat"})
"""Kinds to which Alertmanager tells no ends unless it is asked to."""

_KEPT: Mapping[str, frozenset[str]] = {
    "email": frozenset({"to", "from", "hello", "smarthost", "auth_username", "auth_password", "auth_password_file", "require_tls"}),
    "slack": frozenset({"api_url", "api_url_file"}),
    "webhook": frozenset({"url", "max_alerts", "http_config"}),
}
_APPRISE: Mapping[str, tuple[str, frozenset[str]]] = {
    "discord": ("the address of the webhook", frozenset({"webhook_url"})),
    "opsgenie": ("opsgenie://API_KEY", frozenset({"api_key", "api_key_file"})),
    "pagerduty": ("pagerduty://ROUTING_KEY@TOKEN", frozenset({"routing_key", "routing_key_file"})),
    "pushover": ("pover://USER_KEY@TOKEN", frozenset({"user_key", "token"})),
    "sns": ("sns://ACCESS_KEY/SECRET_KEY/REGION/TOPIC", frozenset({"sigv4", "topic_arn"})),
    "telegram": ("tgram://BOT_TOKEN/CHAT_ID", frozenset({"bot_token", "chat_id"})),
    "victorops": ("splunk://ROUTING_KEY@API_KEY", frozenset({"api_key", "api_key_file", "routing_key"})),
}
"""By kind: what the secret holds for the library Apprise, and which keys say it. (It knows none of the interfaces of WeCom and Webex that
Alertmanager uses.)"""

_ENDS_UNTOLD = frozenset({"pagerduty"})
"""Kinds whose incidents would be raised anew by a message that they ended."""

Made = dict[str, Any]
ProblemOf = Callable[[str, Made], str]
"""Why a receiver of that kind cannot have these options; empty where it can. ``smtp`` is the section of that name."""


@dataclass(slots=True)
class Receivers:
    """Makes receivers, and remembers the secrets that they need and what had to be left out."""

    shared: Part
    problem_of: ProblemOf
    names: Names = field(default_factory=Names)
    secret_names: Names = field(default_factory=Names)
    made: dict[str, Made] = field(default_factory=dict)
    secrets: list[SecretNeeded] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    mail: Made = field(default_factory=dict)
    _known: dict[str, str] = field(default_factory=dict)

    def add(self, receiver: Part) -> list[str] | None:
        """The names of the receivers that stand for one of Alertmanager's, which may have several integrations or none. Without a value:
        it has some, and Keepwell can have none of them."""
        name = receiver.text("name")
        integrations = [(key.removesuffix("_configs"), one) for key in receiver.values if key != "name" for one in receiver.all(key)]
        alone = len(integrations) == 1
        made = []
        for kind, part in integrations:
            options = self._options(name, kind, part)
            if options is not None:
                made.append(self.names.of(name) if alone else self.names.of(name, kind))
                self.made[made[-1]] = options
        return made if made or not integrations else None

    def begin(self) -> None:
        """Looks at the mail server of ``global``. Where it is none that Keepwell can have, each mail has to bring its own."""
        made = self._smtp("global", self.shared) if self.shared.text("smtp_smarthost") and self.shared.text("smtp_from") else {}
        self.mail = {} if self.problem_of("smtp", made) else made

    def _options(self, name: str, kind: str, part: Part) -> Made | None:
        makers: Mapping[str, Callable[[str, Part], Made | None]] = {"email": self._email, "slack": self._slack, "webhook": self._webhook}
        options: Made | None
        if kind in makers:
            options, known, here = makers[kind](name, part), _KEPT[kind], kind
        elif kind in _APPRISE:
            content, known = _APPRISE[kind]
            options, here = {"url": self._secret((name, kind, "url"), f"{content}, of {', '.join(sorted(known))}", part)}, "apprise"
        else:
            self.left_out.append(LeftOut(f"{kind} of the receiver {name}", "Keepwell has no receiver of this kind", part.line(), True))
            return None
        if options is None:
            return None
        problem = self.problem_of(here, options)
        if problem:
            self.left_out.append(LeftOut(f"{kind} of the receiver {name}", problem, part.line(), True))
            return None
        for key in [key for key in part.values if key not in known and key != "send_resolved"]:
            self.left_out.append(LeftOut(f"{key} of {kind} of the receiver {name}", _why(key), part.line(key)))
        sends = part.get("send_resolved", kind not in _QUIET)
        if sends and kind in _ENDS_UNTOLD:
            self.left_out.append(LeftOut(f"ends for {kind} of the receiver {name}", "incidents are raised, and not resolved", part.line()))
            sends = False
        return {here: options} if sends else {here: options, "send_resolved": False}

    # --- kinds -----------------------------------------------------------------------------------------------------------------

    def _slack(self, name: str, part: Part) -> Made:
        own = "api_url" in part or "api_url_file" in part
        if own:
            return {"url": self._kept(part, "api_url", (name, "slack", "url"), "the address of Slack's webhook")}
        return {"url": self._kept(self.shared, "slack_api_url", ("slack_api_url",), "the address of Slack's webhook")}

    def _webhook(self, name: str, part: Part) -> Made:
        url = part.text("url")
        is_plain = means_this_machine(url) and "@" not in url and "?" not in url
        made: Made = {"url": url if is_plain else self._secret((name, "webhook", "url"), "the address of the webhook", part, "url")}
        if part.get("max_alerts"):
            made["max_alerts"] = part.get("max_alerts")
        return made | self._client(name, part)

    def _client(self, name: str, part: Part) -> Made:
        """How the webhook is asked, by its own ``http_config`` or that of ``global``."""
        client = part.part("http_config") if "http_config" in part else self.shared.part("http_config")
        made: Made = {}
        basic, authorization = client.part("basic_auth"), client.part("authorization")
        for key in client.values:
            if key == "basic_auth" and basic.text("username"):
                secret = self._kept(basic, "password", (name, "webhook", "password"), f"the password of {basic.text('username')}")
                made["basic"] = {"user": basic.text("username"), "password": secret}
            elif key == "authorization" and authorization.text("type").lower() in ("", "bearer"):
                made["bearer"] = self._kept(authorization, "credentials", (name, "webhook", "token"), "the token")
            elif key in ("bearer_token", "bearer_token_file"):
                made["bearer"] = self._kept(client, "bearer_token", (name, "webhook", "token"), "the token")
            elif key == "tls_config":
                made |= self._tls(client.part(key), f"the receiver {name}")
            elif key not in ("follow_redirects", "enable_http2"):
                self.left_out.append(LeftOut(f"{key} of the receiver {name}", _why(key), client.line(key)))
        return made

    def _email(self, name: str, part: Part) -> Made | None:
        to = [address for _, address in getaddresses([part.text("to")]) if address]
        if "{{" in part.text("to") or not to:
            self.left_out.append(LeftOut(f"email of the receiver {name}", "its address is a template", part.line("to"), True))
            return None
        made: Made = {"to": to[0] if len(to) == 1 else to}
        if not self.mail or part.values.keys() & _SERVER:
            return made | {"smtp": self._smtp(name, part)}
        if "from" in part:
            made["from"] = parseaddr(part.text("from"))[1]
        return made

    def _smtp(self, name: str, part: Part) -> Made:
        """A mail server, by what ``global`` says of it and what stands here."""
        is_global = part is self.shared

        def said(key: str) -> tuple[Part, str]:
            # The shared keys have smtp_ before them, and what says who logs in is smtp_auth_.
            return (part, key) if key in part and not is_global else (self.shared, f"smtp_{key}")

        def text(key: str) -> str:
            where, name = said(key)
            return where.text(name)

        user, (tls_at, tls_key) = text("auth_username"), said("require_tls")
        host, _, port = text("smarthost").rpartition(":")
        scheme = "smtps" if port == _TLS_FROM_THE_FIRST_BYTE else "smtp"
        made: Made = {"url": f"{scheme}://{quote(user, safe='') + '@' if user else ''}{host or 'localhost'}:{port}"}
        if user:
            where, key = said("auth_password_file" if "auth_password_file" in part and not is_global else "auth_password")
            secret = (name, "smtp", "password") if where is not self.shared else ("smtp", "password")
            made["password"] = self._kept(where, key.removesuffix("_file"), secret, f"the password of {user} at {host}")
        made["from"] = parseaddr(text("from"))[1]
        if tls_at.get(tls_key) is False and scheme == "smtp" and not user:
            made["starttls"] = "off"
        elif tls_at.get(tls_key) is False:
            why = "a password is not sent in clear: STARTTLS stays required"
            self.left_out.append(LeftOut(f"{tls_key}: false", why, tls_at.line(tls_key)))
        if text("hello") not in ("", "localhost"):
            made["hello"] = text("hello")
        return made | self._tls(part.part("tls_config"), f"the receiver {name}")

    def _tls(self, tls: Part, whose: str) -> Made:
        made: Made = {}
        for key in tls.values:
            if key == "insecure_skip_verify":
                made |= {"verify": False} if tls.get(key) else {}
            elif key == "ca_file":
                made["authority"] = tls.text(key)
            else:
                self.left_out.append(LeftOut(f"tls_config.{key} of {whose}", "Keepwell's receivers have no such setting", tls.line(key)))
        return made

    # --- secrets ---------------------------------------------------------------------------------------------------------------

    def _kept(self, part: Part, key: str, name: tuple[str, ...], content: str) -> str:
        """A reference to what a key holds, or to the file that its twin names."""
        file = part.text(f"{key}_file")
        return f"secret:file:{file}" if file else self._secret(name, content, part, key)

    def _secret(self, name: tuple[str, ...], content: str, part: Part, key: str = "") -> str:
        place = f"{'_'.join(name)}:{part.place(key)}"
        if place not in self._known:
            self._known[place] = self.secret_names.secret(*name)
            self.secrets.append(SecretNeeded(self._known[place], content, part.line(key)))
        return f"secret:{self._known[place]}"


def _why(key: str) -> str:
    if key in ("channel", "username", "icon_emoji", "icon_url"):
        return "an incoming webhook of Slack writes where and as whom it was made for"
    if key in ("proxy_url", "oauth2", "proxy_connect_header", "http_config", "tls_config"):
        return "Keepwell's receivers have no such setting"
    return "Keepwell writes its own messages"
