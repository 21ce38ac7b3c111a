"""Styles and scripts, served from memory under addresses that hold their digest, so that a browser may keep them for ever."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import Response

from keepwell.kernel.problems import NotFound

PATH = "/static/{digest}/{name}"

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FOLDERS = ("static", "vendor")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, their media type, and the digest that stands in its address."""

    body: bytes
    media_type: str
    digest: str


class Assets:
    """The files of ``static`` and ``vendor``, by name."""

    def __init__(self, assets: Mapping[str, Asset]) -> None:
        self._assets = assets

    @classmethod
    def packaged(cls) -> "Assets":
        """Those that come with Keepwell; together they are small (under 250 kB), so they are kept in memory."""
        found: dict[str, Asset] = {}
        for folder in _FOLDERS:
            for entry in files(__package__).joinpath(folder).iterdir():
                suffix = entry.name[entry.name.rfind(".") :]
                if suffix in _TYPES:
                    body = entry.read_bytes()
                    found[entry.name] = Asset(body, _TYPES[suffix], hashlib.sha256(body).hexdigest()[:16])
        return cls(found)

    def url(self, name: str) -> str:
        """The address of a file. Raises KeyError where there is none of that name: a template names a file that does not exist."""
        return PATH.format(digest=self._assets[name].digest, name=name)

    async def serve(self, request: Request, digest: str, name: str) -> Response:
        """The file, or 304 where the browser has it (RFC 9111, RFC 8246). Raises NotFound for another digest: a page of another version."""
        asset = self._assets.get(name)
        if asset is None or asset.digest != digest:
            raise NotFound(f"There is no file {name} of this version", hint="reload the page")
        headers = {"etag": f'"{asset.digest}"', "cache-control": "public, max-age=31536000, immutable"}
        if request.headers.get("if-none-match") == headers["etag"]:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.media_type, headers=headers)
