"""HTTP for checks of another host: requests are made from this machine, so an address that means "the host itself" would be this one."""

import ipaddress
from urllib.parse import urlsplit

from keepwell.kernel.problems import AskError
from keepwell.ports.http import Http, Request, Response


class RequestsFromHere:
    """Passes requests on, but for those to loopback."""

    def __init__(self, host: str, http: Http) -> None:
        self._host = host
        self._http = http

    async def ask(self, request: Request) -> Response:
        """Puts the request; see ``keepwell.ports.http.Http``. Raises AskError for an address of loopback."""
        if _is_loopback(request.url):
            why = f"{urlsplit(request.url).hostname} would be this machine and not {self._host}, because requests are made from here"
            raise AskError(f"{why}: give an address that this machine can reach, or ask on {self._host} with a command such as curl")
        return await self._http.ask(request)


def _is_loopback(url: str) -> bool:
    try:
        name = urlsplit(url).hostname or ""
        return name == "localhost" or name.endswith(".localhost") or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
