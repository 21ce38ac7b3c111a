"""Text to template (Go's text/template/parse)."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from keepwell.rooms.promql.literals import unquoted

from .model import (
    Action,
    Body,
    Bracketed,
    Branch,
    Command,
    Dot,
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
from .scan import Piece, Token, scan

DEEPEST = 50
"""How deep branches and brackets nest."""

_BRANCHES = ("if", "range", "with")
_END = Token("end", "the end of the action", 0, spaced=True)


def parse(text: str, functions: Collection[str]) -> Template:
    """The template of a text. Raises TemplateError, also for a function or a variable that is not there."""
    reader = _Reader(list(scan(text)), functions)
    body, word = reader.body(("$",), 0, is_top=True)
    if word is not None:
        raise TemplateError(f"unexpected {{{{{word.text}}}}}", word.at)
    return Template(body, reader.defined)


@dataclass(slots=True)
class _Action:
    """The tokens of one action, read one after the other."""

    tokens: Sequence[Token]
    start: int
    at: int = 0

    def peek(self, ahead: int = 0) -> Token:
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else Token("end", _END.text, self.start, spaced=True)

    def take(self) -> Token:
        token = self.peek()
        self.at += 1
        return token

    def done(self) -> None:
        if self.peek().sort != "end":
            raise TemplateError(f"unexpected {self.peek().text}", self.peek().at)


@dataclass(slots=True)
class _Reader:
    pieces: list[Piece]
    functions: Collection[str]
    at: int = 0
    loops: int = 0
    defined: dict[str, Body] = field(default_factory=dict)

    def body(self, variables: tuple[str, ...], depth: int, *, is_top: bool = False) -> tuple[Body, Token | None]:
        """Everything until ``end`` or ``else`` (left to the caller), or until the text ends."""
        if depth > DEEPEST:
            raise TemplateError(f"branches nest deeper than {DEEPEST}", self.pieces[self.at - 1].at)
        nodes: list[Node] = []
        while self.at < len(self.pieces):
            piece = self.pieces[self.at]
            self.at += 1
            if not piece.is_action:
                nodes.append(Written(piece.text))
                continue
            first = piece.tokens[0] if piece.tokens else None
            if first is None:
                raise TemplateError("missing value for command: the action is empty", piece.at)
            if first.text in ("end", "else") and first.sort == "name":
                return nodes, first
            node, variables = self._node(_Action(piece.tokens, piece.at), variables, depth, is_top)
            nodes += [node] if node is not None else []
        return nodes, None

    def _node(self, action: _Action, variables: tuple[str, ...], depth: int, is_top: bool) -> tuple[Node | None, tuple[str, ...]]:
        first = action.peek()
        word = first.text if first.sort == "name" else ""
        if word in _BRANCHES:
            action.take()
            return self._branch(word, action, variables, depth), variables
        if word in ("break", "continue"):
            if not self.loops:
                raise TemplateError(f"{{{{{word}}}}} outside {{{{range}}}}", first.at)
            action.take()
            action.done()
            return Jump(word), variables
        if word in ("define", "block", "template"):
            return self._named(word, action, variables, depth, is_top), variables
        pipeline, variables = self._pipeline(action, variables, depth)
        action.done()
        return Action(pipeline), variables

    def _named(self, word: str, action: _Action, variables: tuple[str, ...], depth: int, is_top: bool) -> Node | None:
        first, name = action.take(), action.take()
        if name.sort != "string":
            raise TemplateError(f"unexpected {name.text} in {word}: expected the name of a template in quotes", name.at)
        if word == "define" and not is_top:
            raise TemplateError("define stands inside another action", first.at)
        called = unquoted(name.text)
        pipeline = None
        if word != "define" and (word == "block" or action.peek().sort != "end"):
            pipeline, _ = self._pipeline(action, variables, depth)
        action.done()
        if word != "template":
            self.defined[called], closing = self.body(("$",), depth + 1)
            _expect_end(closing, first)
        return None if word == "define" else Included(called, pipeline, first.at)

    def _branch(self, word: str, action: _Action, variables: tuple[str, ...], depth: int) -> Branch:
        start = action.peek(-1) if action.at else action.peek()
        pipeline, inner = self._pipeline(action, variables, depth, most=2 if word == "range" else 1)
        action.done()
        self.loops += word == "range"
        body, closing = self.body(inner, depth + 1)
        self.loops -= word == "range"
        otherwise: Body = ()
        if closing is not None and closing.text == "else":
            after = _Action(self.pieces[self.at - 1].tokens, closing.at, 1)
            if after.peek().text in ("if", "with") and word in ("if", "with"):
                return Branch(word, pipeline, body, (self._branch(after.take().text, after, inner, depth + 1),))
            after.done()
            otherwise, closing = self.body(inner, depth + 1)
        _expect_end(closing, start)
        return Branch(word, pipeline, body, otherwise)

    def _pipeline(self, action: _Action, variables: tuple[str, ...], depth: int, most: int = 1) -> tuple[Pipeline, tuple[str, ...]]:
        start = action.peek().at
        names, declares = _declared(action, variables, most)
        after = (*variables, *names) if declares else variables
        commands = [self._command(action, variables, depth)]
        while action.peek().text == "|":
            action.take()
            commands.append(self._command(action, variables, depth))
        for command in commands[1:]:
            if isinstance(command.operands[0], Literal):
                raise TemplateError("a value that is no function stands behind |", command.at)
        return Pipeline(tuple(commands), names, declares, start), after

    def _command(self, action: _Action, variables: tuple[str, ...], depth: int) -> Command:
        start = action.peek().at
        operands: list[Operand] = []
        while action.peek().sort != "end" and action.peek().text not in ("|", ")"):
            if operands and not action.peek().spaced:
                raise TemplateError(f"unexpected {action.peek().text}: a space is missing before it", action.peek().at)
            operands.append(self._operand(action, variables, depth))
        if not operands:
            raise TemplateError("missing value for command", start)
        if operands == [Literal(None, start)]:
            raise TemplateError("nil is not a command", start)
        return Command(tuple(operands), start)

    def _operand(self, action: _Action, variables: tuple[str, ...], depth: int) -> Operand:
        token = action.take()
        match token.sort:
            case "string" | "character" | "number":
                return Literal(_value(token), token.at)
            case "name" if token.text in _CONSTANTS:
                return Literal(_CONSTANTS[token.text], token.at)
            case "name":
                if token.text not in self.functions:
                    raise TemplateError(f"function {token.text!r} not defined", token.at)
                return Function(token.text, token.at)
            case "variable":
                if token.text not in variables:
                    raise TemplateError(f"undefined variable {token.text!r}", token.at)
                return Variable(token.text, _fields(action), token.at)
            case "field":
                return Dot((token.text[1:], *_fields(action)), token.at)
        if token.text == ".":
            return Dot((), token.at)
        if token.text == "(" and depth < DEEPEST:
            pipeline, _ = self._pipeline(action, variables, depth + 1)
            if action.take().text != ")":
                raise TemplateError("unclosed left bracket", token.at)
            return Bracketed(pipeline, _fields(action), token.at)
        raise TemplateError(f"unexpected {token.text}", token.at)


_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "nil": None}


def _expect_end(closing: Token | None, start: Token) -> None:
    if closing is None:
        raise TemplateError("unexpected end of the text: {{end}} is missing", start.at)
    if closing.text != "end":
        raise TemplateError("unexpected {{else}}", closing.at)


def _declared(action: _Action, variables: tuple[str, ...], most: int) -> tuple[tuple[str, ...], bool]:
    names: list[str] = []
    while action.peek(2 * len(names)).sort == "variable" and len(names) < most:
        names.append(action.peek(2 * len(names)).text)
        if action.peek(2 * len(names) - 1).text != ",":
            break
    sign = action.peek(2 * len(names) - 1) if names else None
    if sign is None or sign.text not in (":=", "="):
        return (), False
    if sign.text == "=":
        for name in names:
            if name not in variables:
                raise TemplateError(f"undefined variable {name!r}", action.peek().at)
    action.at += 2 * len(names)
    return tuple(names), sign.text == ":="


def _fields(action: _Action) -> tuple[str, ...]:
    names = []
    while action.peek().sort == "field" and not action.peek().spaced:
        names.append(action.take().text[1:])
    return tuple(names)


def _value(token: Token) -> str | int | float:
    if token.sort == "string":
        return unquoted(token.text)
    if token.sort == "character":
        return _character(token)
    text = token.text.replace("_", "")
    with suppress(ValueError):
        return int(text, 0)
    with suppress(ValueError):
        return int(text) if text.lstrip("+-").isdigit() else float(text)
    raise TemplateError(f"bad number syntax: {token.text[:20]}", token.at)


def _character(token: Token) -> int:
    text = unquoted(f'"{token.text[1:-1]}"')
    if len(text) != 1:
        raise TemplateError("malformed character constant", token.at)
    return ord(text)
