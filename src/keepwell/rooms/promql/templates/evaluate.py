"""Templates expanded (Go's text/template/exec). Pure and bounded: what a template asks of samples is handed in."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .comparing import is_true
from .functions import Callee, method_of
from .humane import show_time
from .model import (
    Action,
    Body,
    Bracketed,
    Branch,
    Command,
    Dot,
    Found,
    Function,
    Included,
    Jump,
    Literal,
    Node,
    Operand,
    Pipeline,
    Template,
    TemplateError,
    Variable,
    Written,
)
from .printing import shown

MOST_STEPS = 100_000
"""Actions, loops and calls of one expansion."""
LONGEST = 1_000_000
"""Characters that it writes."""
DEEPEST = 50
"""Templates inside templates."""

_NOTHING: Any = object()


def expand(template: Template, data: Any, functions: Mapping[str, Callee], variables: Mapping[str, Any]) -> str:
    """The text that a template writes about ``data``, with these functions and variables (names with their ``$``). Raises TemplateError;
    whatever ``functions`` raises passes through."""
    run = _Run(template.defined, functions)
    run.stack = [["$", data], *([name, value] for name, value in variables.items())]
    run.body(template.body, data)
    return "".join(run.written)


class _Break(Exception):
    pass


class _Continue(Exception):
    pass


@dataclass(slots=True)
class _Run:
    defined: Mapping[str, Body]
    functions: Mapping[str, Callee]
    written: list[str] = field(default_factory=list)
    stack: list[list[Any]] = field(default_factory=list)
    steps: int = 0
    size: int = 0
    depth: int = 0

    def body(self, body: Body, dot: Any) -> None:
        """Writes everything; variables that were declared in it are gone afterwards."""
        mark = len(self.stack)
        try:
            for node in body:
                self._node(node, dot)
        finally:
            del self.stack[mark:]

    def _step(self, at: int) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise TemplateError(f"the template takes more than {MOST_STEPS:,} steps", at)

    def _node(self, node: Node, dot: Any) -> None:
        match node:
            case Written(text):
                self._write(text)
            case Action(pipeline):
                value = self._pipeline(pipeline, dot)
                if not pipeline.variables:
                    self._write(show_time(value) if isinstance(value, datetime) else shown(value))
            case Branch():
                self._branch(node, dot)
            case Included(name, pipeline, at):
                self._included(name, None if pipeline is None else self._pipeline(pipeline, dot), at)
            case Jump(word):
                raise _Break if word == "break" else _Continue

    def _write(self, text: str) -> None:
        self.size += len(text)
        if self.size > LONGEST:
            raise TemplateError(f"the template writes more than {LONGEST:,} characters")
        self.written.append(text)

    def _branch(self, node: Branch, dot: Any) -> None:
        mark = len(self.stack)
        try:
            if node.word == "range":
                self._range(node, dot)
                return
            value = self._pipeline(node.pipeline, dot)
            if is_true(value):
                self.body(node.body, value if node.word == "with" else dot)
            else:
                self.body(node.otherwise, dot)
        finally:
            del self.stack[mark:]

    def _range(self, node: Branch, dot: Any) -> None:
        pipeline = node.pipeline
        value = self._pipeline(Pipeline(pipeline.commands, (), False, pipeline.at), dot)
        pairs = _pairs(value, pipeline.at)
        for key, one in pairs:
            self._step(pipeline.at)
            mark = len(self.stack)
            given = (key, one) if len(pipeline.variables) == 2 else (one,)
            self._assign(pipeline, given)
            try:
                self.body(node.body, one)
            except _Continue:
                pass
            except _Break:
                break
            finally:
                if pipeline.declares:
                    del self.stack[mark:]
        if not pairs:
            self.body(node.otherwise, dot)

    def _included(self, name: str, data: Any, at: int) -> None:
        if name not in self.defined:
            raise TemplateError(f"template {name!r} not defined", at)
        if self.depth >= DEEPEST:
            raise TemplateError(f"templates nest deeper than {DEEPEST}", at)
        outer, self.stack = self.stack, [["$", data]]
        self.depth += 1
        try:
            self.body(self.defined[name], data)
        finally:
            self.stack, self.depth = outer, self.depth - 1

    def _assign(self, pipeline: Pipeline, values: Sequence[Any]) -> None:
        for name, value in zip(pipeline.variables, values, strict=False):
            if pipeline.declares:
                self.stack.append([name, value])
            else:
                next(pair for pair in reversed(self.stack) if pair[0] == name)[1] = value

    def _pipeline(self, pipeline: Pipeline, dot: Any) -> Any:
        value = _NOTHING
        for command in pipeline.commands:
            value = self._command(command, dot, value)
        self._assign(pipeline, (value,))
        return value

    def _command(self, command: Command, dot: Any, final: Any) -> Any:
        self._step(command.at)
        first, rest = command.operands[0], command.operands[1:]
        if isinstance(first, Function):
            return self._function(first, rest, dot, final)
        value, method = self._operand(first, dot)
        if method is None and (rest or final is not _NOTHING):
            raise TemplateError(f"can't give argument to non-function {_written(first)}", command.at)
        return value if method is None else self._called(method, self._arguments(rest, dot, final), command.at)

    def _function(self, function: Function, rest: Sequence[Operand], dot: Any, final: Any) -> Any:
        if function.name in ("and", "or"):
            return self._until(function, rest, dot, final)
        if function.name == "tmpl":
            return self._tmpl(self._arguments(rest, dot, final), function.at)
        return self._called(self.functions[function.name], self._arguments(rest, dot, final), function.at)

    def _until(self, function: Function, rest: Sequence[Operand], dot: Any, final: Any) -> Any:
        """``and`` and ``or`` look at no more operands than they need."""
        value = _NOTHING
        for operand in rest:
            value = self._value(operand, dot)
            if is_true(value) is (function.name == "or"):
                return value
        value = value if final is _NOTHING else final
        if value is _NOTHING:
            raise TemplateError(f"wrong number of args for {function.name}: want at least 1 got 0", function.at)
        return value

    def _tmpl(self, arguments: Sequence[Any], at: int) -> str:
        if len(arguments) != 2 or not isinstance(arguments[0], str):
            raise TemplateError("tmpl takes the name of a template and its data", at)
        outer, self.written = self.written, []
        try:
            self._included(arguments[0], arguments[1], at)
            return "".join(self.written)
        finally:
            self.written = outer

    def _arguments(self, operands: Sequence[Operand], dot: Any, final: Any) -> list[Any]:
        return [*(self._value(operand, dot) for operand in operands), *([] if final is _NOTHING else [final])]

    def _value(self, operand: Operand, dot: Any) -> Any:
        if isinstance(operand, Function):
            return self._function(operand, (), dot, _NOTHING)
        value, method = self._operand(operand, dot)
        return value if method is None else self._called(method, (), operand.at)

    def _operand(self, operand: Operand, dot: Any) -> tuple[Any, Callee | None]:
        """A value; or where its last field is a method, that."""
        match operand:
            case Literal(value):
                return value, None
            case Dot(names, at):
                return _followed(dot, names, at)
            case Variable(name, names, at):
                return _followed(next(pair[1] for pair in reversed(self.stack) if pair[0] == name), names, at)
            case Bracketed(pipeline, names, at):
                return _followed(self._pipeline(pipeline, dot), names, at)
            case _:
                raise TemplateError("a function stands where a value is expected", operand.at)

    def _called(self, function: Callee, arguments: Sequence[Any], at: int) -> Any:
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError:
            raise TemplateError(f"wrong number of args: got {len(arguments)}", at) from None
        try:
            return function(*arguments)
        except (OverflowError, RecursionError) as error:
            raise TemplateError(str(error), at) from None


def _followed(value: Any, names: Sequence[str], at: int) -> tuple[Any, Callee | None]:
    for place, name in enumerate(names):
        method = method_of(value, name)
        if method is not None:
            if place == len(names) - 1:
                return value, method
            value = method()
        elif isinstance(value, Mapping):
            # As Prometheus sets it ("missingkey=zero"), a label that is not there is empty.
            value = value.get(name, "")
        elif isinstance(value, Found) and name in ("Labels", "Value"):
            value = value.labels if name == "Labels" else value.value
        else:
            raise TemplateError(f"can't evaluate field {name} in this value", at)
    return value, None


def _pairs(value: Any, at: int) -> list[tuple[Any, Any]]:
    if value is None:
        return []
    if isinstance(value, Mapping):
        return [(key, value[key]) for key in sorted(value)]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(enumerate(value))
    if type(value) is int and value <= MOST_STEPS:
        return [(number, number) for number in range(value)]
    raise TemplateError(f"range can't iterate over {shown(value)}", at)


def _written(operand: Operand) -> str:
    match operand:
        case Literal(value):
            return shown(value)
        case Dot(names):
            return "." + ".".join(names)
        case Variable(name, names):
            return ".".join((name, *names))
        case _:
            return "a value"
