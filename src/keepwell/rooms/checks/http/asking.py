"""The request of a step, made from its options and from what earlier steps kept."""

from collections.abc import Mapping
from urllib.parse import quote, urljoin, urlsplit

from keepwell.config.targets import Target
from keepwell.kernel.problems import AnswerError, AskError
from keepwell.ports.http import Basic, Cookie, Form, Json, Request

from .names import filled, places
from .options import HttpOptions, RequestOptions
from .signing import signature_of


def request_of(
    options: HttpOptions, step: RequestOptions, target: Target | None, kept: Mapping[str, str], cookies: tuple[Cookie, ...] | None
) -> Request:
    """The request. Raises AskError where the target has no url, AnswerError where a kept value cannot stand where it is wanted."""
    url = _url(base_of(options, target), step.path, kept)
    fields = tuple((name, filled(value, kept)) for name, value in step.fields)
    shared = options if step is not options else None
    headers = {**(shared.headers if shared else {}), **{name: _header(name, value, kept) for name, value in step.headers.items()}}
    return Request(
        url=url,
        method=step.method,
        headers=headers,
        secrets={**(shared.secrets if shared else {}), **step.secrets},
        body=_body(step, fields, kept),
        redirects=0 if step.expect.location is not None else step.redirects,
        body_limit=options.body_limit,
        verify=options.verify,
        authority=options.authority,
        basic=Basic(options.basic.user, options.basic.password) if options.basic is not None else None,
        signature=signature_of(step.signature, url, fields) if step.signature is not None else None,
        cookies=cookies,
    )


def base_of(options: HttpOptions, target: Target | None) -> str:
    """The address to which paths are appended. Raises AskError where the target has none: that shows only when the target is known."""
    base = options.url if options.url is not None else target.url if target is not None else None
    if not base:
        raise AskError(f"the target {options.target} has no url, so there is nothing to ask: give it one, or give the check a url")
    return base


def joined(base: str, path: str) -> str:
    """The path after that of the base; a query of the base stays at the end, where a URL has it (RFC 3986, 3)."""
    if not path:
        return base
    address, mark, query = base.partition("#")[0].partition("?")
    whole = address.rstrip("/") + (path if path.startswith(("/", "?")) else f"/{path}")
    return whole + ("&" if mark and "?" in whole else mark) + query


def _url(base: str, path: str, kept: Mapping[str, str]) -> str:
    """A kept value is quoted, so that it is one part of the path; one that is the whole path is an address on the same server."""
    names = places(path)
    if len(names) != 1 or path.replace(" ", "") != f"{{{{{names[0]}}}}}":
        return joined(base, filled(path, kept, lambda value: quote(value, safe="")))
    try:
        url = urljoin(base, kept[names[0]])
        same = urlsplit(url)[:2] == urlsplit(base)[:2]
    except ValueError:
        same = False
    if not same:
        raise AnswerError(f"what was kept as {names[0]} is no address on the server that is asked")
    return url


def _header(name: str, value: str, kept: Mapping[str, str]) -> str:
    made = filled(value, kept)
    if any(ord(character) < 32 and character != "\t" for character in made):
        raise AnswerError(f"what was kept for the header {name} holds a control character, which HTTP does not allow")
    return made


def _body(step: RequestOptions, fields: tuple[tuple[str, str], ...], kept: Mapping[str, str]) -> bytes | Form | Json | None:
    if step.form is not None:
        return Form(fields, step.body_secrets)
    if step.json_body is not None:
        return Json(_document(step.json_body, kept), step.body_secrets)
    return None if step.body is None else step.body.encode()


def _document(value: object, kept: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return filled(value, kept)
    if isinstance(value, Mapping):
        return {name: _document(part, kept) for name, part in value.items()}
    return [_document(part, kept) for part in value] if isinstance(value, list | tuple) else value
