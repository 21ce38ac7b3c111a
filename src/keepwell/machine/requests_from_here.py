"""HTTP for checks of another host: requests are made from this machine, so an address that means "the host itself" would be this one."""

from keepwell.kernel.loopback import means_this_machine
from keepwell.kernel.problems import AskError
from keepwell.kernel.quoting import quoted
from keepwell.ports.http import Http, Request, Response


class RequestsFromHere:
    """Passes requests on, but for those to loopback."""

    def __init__(self, host: str, http: Http) -> None:
        self._host = host
        self._http = http

    async def ask(self, request: Request) -> Response:
        """Puts the request; see ``keepwell.ports.http.Http``. Raises AskError for an address of loopback."""
        if means_this_machine(request.url):
            raise AskError(asked_from_here(request.url, self._host))
        return await self._http.ask(request)


def asked_from_here(address: str, host: str) -> str:
    """The sentence about an address of loopback that was meant on another host."""
    why = f"{quoted(address)} would be this machine and not {host}, because the network is asked from here"
    return f"{why}: give an address that this machine can reach, or ask on {host} with a command"
