"""The living manual as a page, as one file that needs nothing else, and as JSON."""

import asyncio
import base64
import hashlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from starlette.responses import Response

from keepwell.kernel.problems import NotFound
from keepwell.ports.offer import Face, Page, Route

from .model import Manual
from .work import Living

if TYPE_CHECKING:
    from jinja2 import Environment

READ = "manual.read"
_STYLE = "/manual/style.css"


def html(manual: Manual) -> str:
    """The file: it sends nothing and runs nothing; its policy allows its own style only (Content Security Policy Level 3)."""
    from markupsafe import Markup

    from .shown import context

    style = _packaged("manual.css")
    policy = f"default-src 'none'; style-src 'sha256-{_digest(style)}'; base-uri 'none'; form-action 'none'"
    values = {**context(manual), "style": Markup(style), "policy": policy, "alone": True}
    return _environment().get_template("living/whole.html").render(values)


def face(living: Living) -> Face:
    """What is shown of the living manual."""

    async def page() -> dict[str, Any]:
        address = f"{_STYLE}?v={hashlib.sha256(_packaged('manual.css').encode()).hexdigest()[:12]}"
        from .shown import context

        try:
            return {**await asyncio.to_thread(context, await living.manual()), "style_address": address, "nothing": "", "alone": False}
        except NotFound as error:
            hints = " ".join(problem.hint for problem in error.problems)
            return {"style_address": address, "nothing": str(error), "hint": hints}

    async def asked(format: Literal["json", "html"] = "json") -> Any:
        from .shown import as_json

        manual = await living.manual()
        if format == "json":
            return as_json(manual)
        return Response(await asyncio.to_thread(html, manual), media_type="text/html; charset=utf-8")

    async def style() -> Response:
        return Response(_packaged("manual.css").encode(), media_type="text/css", headers={"cache-control": "public, max-age=86400"})

    return Face(
        "living",
        routes=(
            Route("GET", "/api/v1/manual", READ, asked, "The manual's items with what came of each; format=html gives one file"),
            Route("GET", _STYLE, READ, style, "The style of the living manual"),
        ),
        pages=(Page("/manual", "Manual", READ, "living/manual.html", page),),
        templates=str(Path(__file__).parent / "pages"),
    )


@cache
def _packaged(name: str) -> str:
    return files(__package__).joinpath("pages", name).read_text("utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    from keepwell.rooms.manual.importing.report_page import visible

    loader = FunctionLoader(lambda name: _packaged(name.removeprefix("living/")))
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, finalize=visible, trim_blocks=True, lstrip_blocks=True)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
