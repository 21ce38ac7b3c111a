"""A route's endpoint and the request that it answers: its annotated parameters taken from path, query and body, its answer as JSON.

The rules are FastAPI's, as far as routes here use them, so that the document that FastAPI writes of them (``document.py``) is true:

- ``Request`` gets the request; a parameter whose name stands in the path gets that part of it;
- ``Annotated[Model, Query()]`` gets the whole query, of which a name that is given several times is a list where the model has one;
- a model or a dict (or None) gets the JSON body; every other parameter is one of the query's, by its name.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from keepwell.kernel.problems import KeepwellError, Problem
from keepwell.ports.offer import Query

_AS_JSON = TypeAdapter(Any)
_MISSING = {"type": "missing", "msg": "Field required"}

Complaint = Mapping[str, Any]
"""One of pydantic's errors: where (``loc``) and what (``msg``)."""


class InvalidRequest(KeepwellError):
    """A request whose parameters or body are not what its route takes."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__(*(_problem_of(one) for one in complaints))


def _problem_of(complaint: Complaint) -> Problem:
    """One complaint as a problem: ``query limit: Input should be a valid integer``."""
    place = " ".join(str(part) for part in complaint["loc"])
    return Problem(
        "request.invalid",
        f"{place}: {str(complaint['msg']).removeprefix('Value error, ')}",
        "the document /api/v1/openapi.json describes what is expected",
    )


@dataclass(frozen=True, slots=True)
class _Parameter:
    """A parameter and where it comes from; ``lists`` are the names of the query that may be given several times."""

    name: str
    place: str
    adapter: TypeAdapter[Any]
    default: Any
    lists: frozenset[str] = frozenset()

    def checked(self, value: Any, loc: Sequence[object], complaints: list[Complaint]) -> Any:
        """The value as the parameter's type; ``inspect.Parameter.empty`` stands for none."""
        if value is inspect.Parameter.empty:
            if self.default is inspect.Parameter.empty:
                complaints.append({**_MISSING, "loc": loc})
            return self.default
        try:
            return self.adapter.validate_python(value, from_attributes=True)
        except ValidationError as error:
            complaints += [{"loc": (*loc, *one["loc"]), "msg": one["msg"]} for one in error.errors(include_url=False, include_input=False)]
            return None


class Binding:
    """An endpoint bound to requests at its path."""

    def __init__(self, endpoint: Callable[..., Awaitable[Any]], names_of_path: Sequence[str]) -> None:
        self._endpoint = endpoint
        self._requests: list[str] = []
        self._parameters: list[_Parameter] = []
        for name, parameter in inspect.signature(endpoint, eval_str=True).parameters.items():
            if parameter.annotation is Request:
                self._requests.append(name)
            else:
                place = "path" if name in names_of_path else _place(parameter.annotation)
                adapter = TypeAdapter(parameter.annotation)
                self._parameters.append(_Parameter(name, place, adapter, parameter.default, _lists(parameter.annotation, place)))

    async def answer(self, request: Request) -> Response:
        """Calls the endpoint. Raises InvalidRequest with everything that is wrong, and what the endpoint raises."""
        values: dict[str, Any] = dict.fromkeys(self._requests, request)
        complaints: list[Complaint] = []
        for parameter in self._parameters:
            value, loc = await _given(parameter, request)
            values[parameter.name] = parameter.checked(value, loc, complaints)
        if complaints:
            raise InvalidRequest(complaints)
        answer = await self._endpoint(**values)
        if isinstance(answer, Response):
            return answer
        return Response(_AS_JSON.dump_json(answer, by_alias=True), media_type="application/json")


def query_model(annotation: Any) -> type[BaseModel] | None:
    """The model of a parameter that takes the whole query."""
    if get_origin(annotation) is Annotated and any(isinstance(one, Query) for one in annotation.__metadata__):
        model: type[BaseModel] = get_args(annotation)[0]
        return model
    return None


def _place(annotation: Any) -> str:
    if query_model(annotation) is not None:
        return "whole query"
    return "body" if any(get_origin(kind) is dict or _is_model(kind) for kind in _kinds(annotation)) else "query"


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel | dict)


def _kinds(annotation: Any) -> Sequence[Any]:
    """The types of which a value may be one, but for None."""
    is_choice = get_origin(annotation) in (Union, UnionType)
    return [kind for kind in get_args(annotation) if kind is not NoneType] if is_choice else [annotation]


def _lists(annotation: Any, place: str) -> frozenset[str]:
    model = query_model(annotation) if place == "whole query" else None
    fields = {} if model is None else model.model_fields
    return frozenset(word for name, field in fields.items() if _is_list(field) for word in (name, field.alias or name))


def _is_list(field: FieldInfo) -> bool:
    return any(get_origin(kind) in (list, tuple, set, frozenset) for kind in _kinds(field.annotation))


async def _given(parameter: _Parameter, request: Request) -> tuple[Any, tuple[object, ...]]:
    """What a request has for a parameter, and where."""
    query = request.query_params
    if parameter.place == "path":
        return request.path_params[parameter.name], ("path", parameter.name)
    if parameter.place == "query":
        return query.get(parameter.name, inspect.Parameter.empty), ("query", parameter.name)
    if parameter.place == "whole query":
        return {name: query.getlist(name) if name in parameter.lists else query[name] for name in query}, ("query",)
    return await _body(request), ("body",)


async def _body(request: Request) -> Any:
    body = await request.body()
    if not body:
        return inspect.Parameter.empty
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        return body
    try:
        return await request.json()
    except json.JSONDecodeError as error:
        raise InvalidRequest([{"loc": ("body", error.pos), "msg": "JSON decode error"}]) from None
    except (ValueError, RecursionError):
        raise HTTPException(400, "There was an error parsing the body") from None
