"""Whether an address means "this very machine": then it means another one wherever it is asked."""

import ipaddress
import re

_HOST = re.compile(
    r"(?:[a-z][a-z0-9+.-]*://)?(?:[^/@\s]*@)?(\[[^\]\s]{1,100}\]|[^/:?#\s]{1,253})(?::[0-9]{1,5})?(?:[/?#].*)?", re.IGNORECASE | re.DOTALL
)


def means_this_machine(address: str) -> bool:
    """Whether an address (a URL, ``host:port``, or a host alone) is of loopback: ``localhost``, ``127.0.0.0/8`` or ``::1``."""
    bare = address.strip()[:1000]
    match = _HOST.fullmatch(bare)
    host = (match[1].strip("[]") if match else bare).lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(bare if bare == "::1" else host).is_loopback
    except ValueError:
        return False
