"""Text to expression: by the parser's wheel, with places, RE2 and our bounds added."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

from keepwell.ports.samples import NAME, Matcher, Operator
from keepwell.rooms.promql.expression import (
    Aggregate,
    At,
    Binary,
    Call,
    Expression,
    Kind,
    Matching,
    Negative,
    Number,
    Selector,
    Subquery,
    Text,
)
from keepwell.rooms.promql.literals import unquoted
from keepwell.rooms.promql.model import BadQuery, OutsideScope
from keepwell.rooms.promql.patterns import PatternError, compiled, fits
from keepwell.rooms.promql.rewrite import Rewritten, rewrite
from keepwell.rooms.promql.scope import ALTERNATIVES, EXPERIMENTAL, FILL, Refusal, refusal_of_function
from keepwell.rooms.promql.tokens import Token, bad, place_of, scan

DEEPEST = 120
"""How deep an expression's parts nest. Operators of one rank one after the other do not count: they are walked in a loop."""

LONGEST = 9_223_372_036_854
"""Milliseconds of a duration: what Prometheus can count in nanoseconds."""

_OPERATORS: dict[str, Operator] = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}
_KINDS: dict[str, Kind] = {"Vector": "vector", "Scalar": "scalar", "Matrix": "matrix", "String": "string"}

MOMENTARY = frozenset(
    {"day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute", "month", "predict_linear", "time"}
) | {
    "timestamp",
    "year",
}
"""Functions whose value depends on the moment even where their arguments do not (Prometheus: AtModifierUnsafeFunctions)."""


def parse(text: str) -> Expression:
    """The expression of that text. Raises BadQuery where it is none, with line and column; OutsideScope where it uses what scope.py
    lists."""
    import promql_parser  # one and a half megabytes, which only those need who ask

    tokens = scan(text)
    if not tokens:
        raise bad(text, 0, "no expression found in input")
    rewritten = rewrite(text, tokens)
    try:
        tree = promql_parser.parse(rewritten.text)
    except UnicodeEncodeError as error:
        raise bad(text, error.start, "the expression holds a character that is no Unicode text") from None
    except ValueError as error:
        raise _located(text, tokens, str(error)) from None
    except BaseException as error:
        # A panic inside the wheel is no Exception; it must not end whoever asked.
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise bad(text, tokens[0].start, "the parser cannot read this expression") from None
    return _Reader(text, rewritten).expression(tree, 0)


def _located(text: str, tokens: tuple[Token, ...], reason: str) -> BadQuery:
    # The parser quotes the word that it stumbled over, or says nothing: then it is where operand and operator do not alternate.
    quoted = reason.split("'")[1::2] or reason.split("`")[1::2]
    for word in quoted:
        for token in tokens:
            if token.text == word or token.text.strip("\"'`") == word:
                return bad(text, token.start, reason, len(token.text))
    if reason == "invalid promql query":
        stumbled = _stumble(tokens)
        if stumbled is None:
            return bad(text, len(text), "unexpected end of input")
        return bad(text, stumbled.start, f"unexpected {stumbled.text!r}", len(stumbled.text))
    return bad(text, tokens[0].start, reason, len(tokens[0].text))


_BINARY_WORDS = frozenset({"and", "or", "unless", "atan2"})
_MODIFIERS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset"})
_BINARY_SIGNS = frozenset({"+", "-", "*", "/", "%", "^", "==", "!=", ">=", "<=", ">", "<"})


def _stumble(tokens: tuple[Token, ...]) -> Token | None:
    # The first word that cannot follow the one before it; None where the text ends too early.
    for before, token in pairwise(tokens):
        ends_operand = before.text in (")", "]", "}") or (
            before.sort != "operator" and before.text.lower() not in _BINARY_WORDS | _MODIFIERS
        )
        starts_operand = token.sort != "operator" and token.text.lower() not in _BINARY_WORDS | _MODIFIERS
        if ends_operand and starts_operand:
            return token
        if before.text in _BINARY_SIGNS | {"(", ","} and token.text in _BINARY_SIGNS - {"+", "-"} | {")", ",", "]", "}"}:
            return None if before.text == "(" and token.text == ")" else token
    if tokens[-1].text in _BINARY_SIGNS or tokens[-1].text.lower() in _BINARY_WORDS | _MODIFIERS:
        return None
    return tokens[0]


@dataclass(slots=True)
class _Reader:
    """Reads one tree of the parser."""

    text: str
    rewritten: Rewritten
    _next: int = 0

    def expression(self, tree: Any, depth: int) -> Expression:
        import promql_parser

        while isinstance(tree, promql_parser.ParenExpr):
            tree = tree.expr
        if depth > DEEPEST:
            raise bad(self.text, self._here(), f"the expression nests deeper than {DEEPEST}; write the inner part as a recording rule")
        readers: dict[type, Callable[[Any, int], Expression]] = {
            promql_parser.NumberLiteral: self._number,
            promql_parser.StringLiteral: self._string,
            promql_parser.VectorSelector: self._vector,
            promql_parser.MatrixSelector: self._matrix,
            promql_parser.SubqueryExpr: self._subquery,
            promql_parser.UnaryExpr: self._negative,
            promql_parser.Call: self._call,
            promql_parser.AggregateExpr: self._aggregate,
            promql_parser.BinaryExpr: self._binary,
        }
        read = readers.get(type(tree))
        if read is None:
            raise bad(self.text, self._here(), f"a part of the expression is of an unknown kind: {type(tree).__name__}")
        return read(tree, depth)

    def _here(self) -> int:
        anchors = self.rewritten.anchors
        return anchors[min(self._next, len(anchors) - 1)].start if anchors else 0

    def _place(self, accept: Callable[[Token], bool]) -> int:
        anchors = self.rewritten.anchors
        for index in range(self._next, len(anchors)):
            if accept(anchors[index]):
                self._next = index + 1
                return anchors[index].start
        return self._here()

    def _word(self, word: str) -> int:
        return self._place(lambda token: token.text.lower() == word.lower())

    def _refuse(self, refusal: Refusal, what: str, start: int) -> OutsideScope:
        where = place_of(self.text, start, len(what))
        return OutsideScope(
            refusal.construct, f"{where.line}:{where.column}: `{what}` is not part of the language here: {refusal.why}", where=where
        )

    def _number(self, tree: Any, depth: int) -> Number:
        return Number(tree.val, self._place(lambda token: token.sort == "number" or token.text.lower() in ("inf", "nan")))

    def _string(self, tree: Any, depth: int) -> Text:
        place = self._place(lambda token: token.sort == "string")
        # The parser reads bytes that are no UTF-8 as other characters: the literal itself is read again.
        token = self.rewritten.anchors[self._next - 1] if self._next else None
        value = unquoted(token.text) if token is not None and token.sort == "string" and token.start == place else tree.val
        return Text(value, place)

    def _vector(self, tree: Any, depth: int, range_: int | None = None) -> Selector:
        place = self._word(tree.name) if tree.name is not None else self._place(lambda token: token.text == "{")
        if tree.matchers.or_matchers:
            raise self._refuse(ALTERNATIVES, "or", place)
        matchers = tuple(self._matcher(matcher, place) for matcher in tree.matchers.matchers)
        if tree.name is not None:
            matchers = (Matcher(NAME, "=", tree.name), *matchers)
        if all(fits(matcher, {}) for matcher in matchers):
            raise bad(self.text, place, "vector selector must contain at least one non-empty matcher")
        return Selector(matchers, range_, self._length(tree.offset), self._at(tree.at), place)

    def _matcher(self, matcher: Any, place: int) -> Matcher:
        operator = _OPERATORS[str(matcher.op).rpartition(".")[2]]
        if operator not in ("=~", "!~"):
            return Matcher(matcher.name, operator, matcher.value)
        value = unquoted(self.rewritten.patterns[int(matcher.value[1:])])
        try:
            compiled(value)
        except PatternError as error:
            raise bad(self.text, place, str(error)) from None
        return Matcher(matcher.name, operator, value)

    def _at(self, at: Any) -> At:
        if at is None:
            return None
        word = str(at.type).rpartition(".")[2]
        if word == "Start":
            return "start"
        return "end" if word == "End" else self.rewritten.moments[round(at.at.timestamp())]

    def _matrix(self, tree: Any, depth: int) -> Selector:
        return self._vector(tree.vector_selector, depth, self._positive(tree.range))

    def _positive(self, length: timedelta) -> int:
        milliseconds = self._length(length)
        if milliseconds <= 0:
            raise bad(self.text, self._here(), "duration must be greater than 0")
        return milliseconds

    def _length(self, length: timedelta | None) -> int:
        milliseconds = _milliseconds(length)
        if abs(milliseconds) > LONGEST:
            raise bad(self.text, self._here(), "duration out of range: at most 292 years")
        return milliseconds

    def _subquery(self, tree: Any, depth: int) -> Subquery:
        inner = self.expression(tree.expr, depth + 1)
        if inner.kind != "vector" and inner.kind != "scalar":
            raise bad(self.text, inner.place, f"subquery is only allowed on instant vector, got {_name_of(inner.kind)} instead")
        step = None if tree.step is None else self._positive(tree.step)
        return Subquery(inner, self._positive(tree.range), step, self._length(tree.offset), self._at(tree.at), inner.place)

    def _negative(self, tree: Any, depth: int) -> Negative:
        inner = self.expression(tree.expr, depth + 1)
        if inner.kind not in ("scalar", "vector"):
            raise bad(
                self.text, inner.place, f"unary expression only allowed on expressions of type scalar or instant vector, got {inner.kind}"
            )
        return Negative(inner, inner.place, inner.kind, inner.fixed)

    def _call(self, tree: Any, depth: int) -> Call:
        name = tree.func.name
        place = self._word(name)
        refusal = refusal_of_function(name)
        if refusal is not None or tree.func.experimental:
            raise self._refuse(refusal or EXPERIMENTAL, name, place)
        arguments = tuple(self.expression(argument, depth + 1) for argument in tree.args)
        fixed = name not in MOMENTARY and all(argument.fixed for argument in arguments)
        return Call(name, arguments, place, _KINDS[str(tree.func.return_type).rpartition(".")[2]], fixed)

    def _aggregate(self, tree: Any, depth: int) -> Aggregate:
        operator = str(tree.op).lower()
        place = self._word(operator)
        refusal = refusal_of_function(operator)
        if refusal is not None:
            raise self._refuse(refusal, operator, place)
        parameter = None if tree.param is None else self.expression(tree.param, depth + 1)
        inner = self.expression(tree.expr, depth + 1)
        labels = () if tree.modifier is None else tuple(sorted(set(tree.modifier.labels)))
        without = tree.modifier is not None and str(tree.modifier.type).endswith("Without")
        fixed = inner.fixed and (parameter is None or parameter.fixed)
        return Aggregate(operator, inner, parameter, labels, without, place, fixed)

    def _binary(self, tree: Any, depth: int) -> Expression:
        import promql_parser

        # Operators of one rank lean to the left, a thousand of them: that side is walked in a loop.
        spine = []
        while isinstance(tree, promql_parser.BinaryExpr):
            spine.append(tree)
            tree = tree.lhs
        left = self.expression(tree, depth + 1)
        for node in reversed(spine):
            right = self.expression(node.rhs, depth + 1)
            left = self._joined(node, left, right)
        return left

    def _joined(self, tree: Any, left: Expression, right: Expression) -> Binary:
        modifier = tree.modifier
        fill = None if modifier is None else modifier.fill_values
        if fill is not None and (fill.lhs is not None or fill.rhs is not None):
            raise self._refuse(FILL, "fill", left.place)
        kind: Kind = "vector" if "vector" in (left.kind, right.kind) else "scalar"
        as_bool = modifier is not None and modifier.return_bool
        return Binary(str(tree.op).lower(), left, right, _matching(modifier), as_bool, left.place, kind, left.fixed and right.fixed)


def _matching(modifier: Any) -> Matching:
    if modifier is None:
        return Matching()
    card = str(modifier.card).rpartition(".")[2]
    labels = () if modifier.matching is None else tuple(sorted(set(modifier.matching.labels)))
    on = modifier.matching is not None and str(modifier.matching.type).endswith("Include")
    many = {"ManyToOne": "left", "OneToMany": "right"}.get(card)
    return Matching(labels, on, many, tuple(modifier.group_labels or ()))  # type: ignore[arg-type]


def _milliseconds(length: timedelta | None) -> int:
    # Like Prometheus, what is finer than a millisecond is cut off.
    if length is None:
        return 0
    microseconds = length // timedelta(microseconds=1)
    return microseconds // 1000 if microseconds >= 0 else -(-microseconds // 1000)


def _name_of(kind: Kind) -> str:
    return {"vector": "instant vector", "matrix": "range vector", "scalar": "scalar", "string": "string"}[kind]
