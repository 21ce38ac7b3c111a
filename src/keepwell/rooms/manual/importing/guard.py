"""What no import does, whatever a manual says: give a secret away, or ask an address at which a machine gives out its own. Pure.

Metadata services: 169.254.169.254 (RFC 3927 link-local; Amazon EC2, Azure, OpenStack), 169.254.170.2 (Amazon ECS), fd00:ec2::254 (Amazon
EC2 over IPv6), metadata.google.internal (Google Cloud). Whoever may read them gets the machine's credentials.
"""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from keepwell.rooms.manual.lint.redact import without_secrets

from .model import CheckDraft, Disposition, Fate, Found

_METADATA = tuple(map(ipaddress.ip_network, ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32")))
_METADATA_NAMES = frozenset(("metadata.google.internal", "metadata", "instance-data"))


def guarded(found: Found) -> Found:
    """What a recogniser found, without checks that ask for credentials or have some in them; the reason says so."""
    checks = [draft for draft in found.drafts if isinstance(draft, CheckDraft)]
    reason = ""
    if any(_asks_for_credentials(draft) for draft in checks):
        reason = "this address gives out the machine's own credentials to whoever asks; no check asks it"
    elif any(text != without_secrets(text) for draft in checks for text in (draft.base, *_texts(draft.settings))):
        reason = "a secret stands in the text: put it into the environment or a file, and name it as secret:NAME or secret:file:PATH"
    if not reason:
        return found
    kept = tuple(draft for draft in found.drafts if not isinstance(draft, CheckDraft))
    return replace(found, fate=Fate.STEP, drafts=kept, disposition=Disposition.REFUSED, reason=reason)


def _asks_for_credentials(draft: CheckDraft) -> bool:
    addresses = [text for text in (draft.base, *_texts(draft.settings)) if "://" in text]
    return any(is_metadata_host(_host(address)) for address in addresses)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def is_metadata_host(host: str) -> bool:
    """Whether a cloud gives out credentials at this host, however its address is written (one number, hexadecimal, octal: inet_aton(3))."""
    if host.rstrip(".").lower() in _METADATA_NAMES:
        return True
    found = _address(host)
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    return found is not None and any(found.version == network.version and found in network for network in _METADATA)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    parts = host.split(".")
    if len(parts) > 4 or not all(re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}|[0-9]{1,11}", part) for part in parts):
        return None
    try:
        numbers = [int(part, 16 if part[:2] in ("0x", "0X") else 8 if part[0] == "0" and part != "0" else 10) for part in parts]
        return ipaddress.IPv4Address(sum(number << 8 * (3 - at) for at, number in enumerate(numbers[:-1])) + numbers[-1])
    except ValueError:
        return None


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
