"""Walks the parser's tree once and writes down every command with what surrounds it. Pure; used by shell.py only."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from .shell_model import (
    IGNORED,
    SHOWN,
    Assignment,
    Block,
    Fate,
    Heredoc,
    Links,
    Redirection,
    ShellCommand,
    StatusUse,
    Strictness,
    Word,
)
from .shell_source import Source
from .shell_tests import flat_words, read_tests
from .shell_words import Words, substitutions
from .wrappers import base_name, unwrap

if TYPE_CHECKING:
    from tree_sitter import Node

_DEEPEST = 60
"""Nesting beyond this is not looked into: nobody wrote it by hand."""
_SIMPLE = frozenset(("command", "declaration_command", "unset_command", "test_command"))
_REDIRECTS = frozenset(("file_redirect", "herestring_redirect", "heredoc_redirect"))
_ASSIGNMENTS = frozenset(("variable_assignment", "variable_assignments"))
_COMPOUND = frozenset(
    ("if_statement", "while_statement", "for_statement", "c_style_for_statement", "case_statement", "function_definition", "subshell",
     "compound_statement")
)  # fmt: skip
_STATEMENTS = _SIMPLE | _COMPOUND | _ASSIGNMENTS | {"list", "pipeline", "redirected_statement", "negated_command", "ERROR"}
_SUCCEEDS = frozenset(("true", ":", "/bin/true", "exit 0", "return 0"))


@dataclass(frozen=True, slots=True)
class Around:
    """What surrounds a statement; ``status`` and ``output`` are what becomes of its own."""

    function: str = ""
    depth: int = 0
    nesting: int = 0
    substitution: str = ""
    inside: int | None = None
    variable: str = ""
    condition: str = ""
    loops: tuple[str, ...] = ()
    guards: tuple[int, ...] = ()
    background: bool = False
    negated: bool = False
    status: Fate = IGNORED
    output: Fate = SHOWN


@dataclass(frozen=True, slots=True)
class Ran:
    """What a statement came to: its first command, and the commands whose status may be its status."""

    first: int | None = None
    results: tuple[int, ...] = ()
    negated: bool = False


@dataclass(slots=True)
class Stage:
    """One part of a pipeline with the redirections that belong to it."""

    node: "Node"
    redirects: list["Node"] = field(default_factory=list)
    negated: bool = False


class Walk:
    """One pass over a tree. Afterwards its lists hold what was found beside the commands."""

    def __init__(self, source: Source, constants: dict[str, str], strict: Strictness) -> None:
        self._source = source
        self._words = Words(source, constants)
        self._strict = strict
        self._drafts: list[dict[str, Any]] = []
        self._last: int | None = None
        self._links = Links()
        self.assignments: list[Assignment] = []
        self.blocks: list[Block] = []
        self.status_uses: list[StatusUse] = []
        self.traps: list[str] = []

    def run(self, root: "Node", complete: bool) -> tuple[ShellCommand, ...]:
        """Every command. Of a ``complete`` script the last command's status is that of the script."""
        status = Fate(True, "returned", "script") if complete else IGNORED
        self._sequence(root.children, Around(), status)
        self._settle()
        commands = tuple(ShellCommand(links=self._links, **draft) for draft in self._drafts)
        self._links.commands = commands
        return commands

    # --- lists and pipelines

    def _sequence(self, nodes: Sequence["Node"], around: Around, tail: Fate) -> Ran:
        """Statements one after the other; the last one's status becomes ``tail``."""
        statements = [(node, _in_background(nodes, at)) for at, node in enumerate(nodes) if node.type in _STATEMENTS]
        first: int | None = None
        ran = Ran()
        for number, (node, background) in enumerate(statements):
            status = tail if number == len(statements) - 1 else IGNORED
            if background:
                status = Fate(False, "background")
            ran = self._statement(node, replace(around, status=status, background=around.background or background))
            first = ran.first if first is None else first
        return Ran(first, ran.results, ran.negated)

    def _statement(self, node: "Node", around: Around) -> Ran:
        if around.nesting >= _DEEPEST:
            return Ran()
        around = replace(around, nesting=around.nesting + 1)
        if node.type == "list":
            return self._list(Stage(node), around)
        return self._pipeline(node, around)

    def _list(self, stage: Stage, around: Around) -> Ran:
        """``left && right`` and ``left || right``. (A redirection behind it is the last command's, whatever the tree says.)"""
        parts = [child for child in stage.node.children if child.is_named and child.type != "comment"]
        if len(parts) != 2:
            return self._sequence(stage.node.children, around, around.status)
        left, right = parts
        is_and = any(child.type == "&&" for child in stage.node.children)
        before = self._statement(left, replace(around, status=self._list_status(is_and, right)))
        guards = (*around.guards, *before.results) if is_and and not before.negated else around.guards
        mark = len(self._drafts)
        after_around = replace(around, guards=guards)
        after = (
            self._stages([Stage(right, stage.redirects)], after_around)
            if right.type != "list"
            else self._list(Stage(right, stage.redirects), after_around)
        )
        if after.first is None:
            after = Ran(mark if mark < len(self._drafts) else None, after.results)
        for index in before.results:
            key = "and_then_at" if is_and else "or_else_at"
            if self._drafts[index][key] is None:
                self._drafts[index][key] = after.first
        return Ran(before.first if before.first is not None else after.first, (*before.results, *after.results))

    def _list_status(self, is_and: bool, right: "Node") -> Fate:
        if is_and:
            return Fate(True, "and")
        text = self._words.raw(right).strip()
        return Fate(False, "or-true", text) if text in _SUCCEEDS else Fate(True, "or", text[:80])

    def _pipeline(self, node: "Node", around: Around) -> Ran:
        return self._stages(list(_stages(node)), around)

    def _stages(self, stages: list[Stage], around: Around) -> Ran:
        if len(stages) == 1 and stages[0].node.type in ("pipeline", "redirected_statement", "negated_command"):
            inner = list(_stages(stages[0].node))
            inner[-1].redirects += stages[0].redirects
            stages = inner
        negated = any(stage.negated for stage in stages)
        around = replace(around, negated=around.negated != negated)
        members: list[int] = []
        ran = Ran()
        for number, stage in enumerate(stages):
            is_last = number == len(stages) - 1
            mark = len(self._drafts)
            ran = self._stage(stage, around if is_last else self._piped(around))
            if len(stages) > 1 and mark < len(self._drafts):
                members.append(ran.first if ran.first is not None else mark)
                if number:
                    self._name_taker(members[-2:], mark)
        for position, index in enumerate(members):
            self._drafts[index].update(pipeline_at=tuple(members), position=position)
        first = members[0] if members else ran.first
        return Ran(first, ran.results, negated)

    def _piped(self, around: Around) -> Around:
        status = around.status if self._strict.pipefail else Fate(False, "pipe")
        return replace(around, status=status, output=Fate(True, "piped"))

    def _name_taker(self, pair: Sequence[int], until: int) -> None:
        """Writes down for what was piped which command takes it."""
        giver, taker = pair
        for draft in self._drafts[giver:until]:
            if draft["output"] == Fate(True, "piped"):
                draft["output"] = Fate(True, "piped", self._drafts[taker]["name"])

    def _stage(self, stage: Stage, around: Around) -> Ran:
        node = stage.node
        if node.type == "list":
            return self._list(stage, around)
        if node.type in _SIMPLE or _is_arithmetic(node):
            return self._command(stage, around)
        if node.type in _ASSIGNMENTS:
            return self._assign(node, around)
        around = self._redirected(stage, around)
        match node.type:
            case "if_statement":
                return self._if(node, "if", around)
            case "while_statement":
                return self._while(node, around)
            case "for_statement" | "c_style_for_statement":
                return self._for(node, around)
            case "case_statement":
                return self._case(node, around)
            case "function_definition":
                return self._function(node, around)
            case "subshell" | "compound_statement":
                return self._group(node, around)
            case _:
                return self._sequence(node.children, around, IGNORED)

    def _redirected(self, stage: Stage, around: Around) -> Around:
        """What surrounds the inside of a compound statement with redirections."""
        redirections, _ = self._redirections(stage.redirects, around)
        taking = next((redirection for redirection in redirections if redirection.of_output), None)
        return replace(around, output=_output_of(taking, around.output)) if taking else around

    # --- compound statements

    def _block(self, kind: str, node: "Node", **parts: Any) -> None:
        first, last = self._source.line(node.start_point[0]), self._source.line(node.end_point[0])
        self.blocks.append(Block(kind, first, last, **parts))

    def _body(self, nodes: Sequence["Node"], around: Around) -> tuple[tuple[int, ...], Ran]:
        mark = len(self._drafts)
        ran = self._sequence(nodes, around, around.status)
        return tuple(range(mark, len(self._drafts))), ran

    def _if(self, node: "Node", kind: str, around: Around) -> Ran:
        then = next((at for at, child in enumerate(node.children) if child.type == "then"), len(node.children))
        mark = len(self._drafts)
        decided = self._sequence(
            node.children[:then], replace(around, condition=kind, status=Fate(True, "condition", kind)), Fate(True, "condition", kind)
        )
        condition = tuple(range(mark, len(self._drafts)))
        guards = (*around.guards, *decided.results) if not decided.negated else around.guards
        own = [child for child in node.children[then:] if child.type not in ("elif_clause", "else_clause")]
        body, ran = self._body(own, replace(around, guards=guards))
        results = list(ran.results)
        mark = len(self._drafts)
        for child in node.children[then:]:
            if child.type == "elif_clause":
                results += self._if(child, "elif", around).results
            elif child.type == "else_clause":
                results += self._body(child.children, around)[1].results
        self._block(kind, node, condition=condition, body=body, otherwise=tuple(range(mark, len(self._drafts))))
        return Ran(condition[0] if condition else ran.first, tuple(results))

    def _while(self, node: "Node", around: Around) -> Ran:
        kind = node.children[0].type
        do = next((at for at, child in enumerate(node.children) if child.type == "do_group"), len(node.children))
        mark = len(self._drafts)
        inside = replace(around, loops=(*around.loops, kind))
        fate = Fate(True, "condition", kind)
        decided = self._sequence(node.children[:do], replace(inside, condition=kind, status=fate), fate)
        condition = tuple(range(mark, len(self._drafts)))
        guards = (*around.guards, *decided.results) if kind == "while" and not decided.negated else around.guards
        body, ran = self._body(node.children[do].children if do < len(node.children) else [], replace(inside, guards=guards))
        self._block(kind, node, condition=condition, body=body)
        return Ran(condition[0] if condition else ran.first, ran.results)

    def _for(self, node: "Node", around: Around) -> Ran:
        kind = node.children[0].type if node.type == "for_statement" else "for"
        name = node.child_by_field_name("variable")
        values = [child for child in node.children_by_field_name("value") if child.is_named]
        mark = len(self._drafts)
        for value in values:
            self._substitute(value, around, Fate(False, "argument", kind), Fate(True, "argument", kind))
        body_node = node.child_by_field_name("body")
        inside = replace(around, loops=(*around.loops, kind))
        body, ran = self._body(body_node.children if body_node is not None else [], inside)
        variable = self._words.raw(name) if name is not None else ""
        self._block(kind, node, body=body, variable=variable, words=tuple(self._words.word(value) for value in values))
        return Ran(mark if mark < len(self._drafts) else None, ran.results)

    def _case(self, node: "Node", around: Around) -> Ran:
        value = node.child_by_field_name("value")
        mark = len(self._drafts)
        if value is not None:
            self._substitute(value, around, Fate(False, "argument", "case"), Fate(True, "argument", "case"))
        patterns: list[str] = []
        results: list[int] = []
        body_mark = len(self._drafts)
        for item in node.children:
            if item.type == "case_item":
                patterns += [self._words.raw(part) for part in item.children_by_field_name("value")]
                results += self._body(item.children, around)[1].results
        body = tuple(range(body_mark, len(self._drafts)))
        words = (self._words.word(value),) if value is not None else ()
        self._block("case", node, body=body, words=words, patterns=tuple(patterns))
        return Ran(mark if mark < len(self._drafts) else None, tuple(results))

    def _function(self, node: "Node", around: Around) -> Ran:
        name = node.child_by_field_name("name")
        body = node.child_by_field_name("body")
        title = self._words.raw(name) if name is not None else ""
        before, strict = self._last, self._strict
        self._last = None
        inside = Around(function=title, nesting=around.nesting, depth=around.depth, output=SHOWN)
        members, _ = self._body(body.children if body is not None else [], replace(inside, status=Fate(True, "returned", title)))
        self._block("function", node, body=members, name=title)
        self._last, self._strict = before, strict
        return Ran()

    def _group(self, node: "Node", around: Around) -> Ran:
        kind = "subshell" if node.type == "subshell" else "group"
        strict = self._strict
        body, ran = self._body(node.children, around)
        if kind == "subshell":
            self._strict = strict
        self._block(kind, node, body=body)
        return ran

    # --- simple commands

    def _command(self, stage: Stage, around: Around) -> Ran:
        node = stage.node
        index = len(self._drafts)
        redirect_nodes = [*(child for child in node.children if child.type in _REDIRECTS), *stage.redirects]
        redirections, heredoc = self._redirections(redirect_nodes, around, read_only=True)
        words = self._command_words(node)
        wrappers, at = unwrap(words)
        at = 0 if at >= len(words) else at
        row, column = node.start_point
        end = max((other.end_point for other in (node, *redirect_nodes)), default=node.end_point)
        last_byte = max(other.end_byte for other in (node, *redirect_nodes))
        assignments = tuple(self._assignments(node, around))
        output = next((_output_of(part, around.output) for part in reversed(redirections) if part.of_output), around.output)
        self._drafts.append(
            {
                "index": index, "name": base_name(words[at]) if words else "", "words": tuple(words[at:]),
                "line": self._source.line(row), "end_line": self._source.line(end[0] - (end[1] == 0 and end[0] > row)),
                "column": self._source.column(row, column), "text": self._source.text[node.start_byte : last_byte].rstrip(),
                "wrappers": wrappers if at else (), "wrapper_words": tuple(words[:at]), "assignments": assignments,
                "redirections": redirections, "heredoc": heredoc,
                "tests": tuple(read_tests(node, words, self._words)), "negated": around.negated, "background": around.background,
                "function": around.function, "depth": around.depth, "substitution": around.substitution, "inside_at": around.inside,
                "inside_assignment": around.variable, "condition_of": around.condition, "loops": around.loops, "guards": around.guards,
                "strict": self._strict, "status": self._status(around), "output": output, "pipeline_at": (), "position": 0,
                "and_then_at": None, "or_else_at": None,
            }
        )  # fmt: skip
        self._uses(node, index, "")
        self._inner(node, redirect_nodes, index, around)
        self._last = index
        self._switch(words[at:])
        return Ran(index, (index,))

    def _status(self, around: Around) -> Fate:
        if around.status.how == "ignored" and self._strict.errexit and not around.condition:
            return Fate(True, "errexit")
        return around.status

    def _command_words(self, node: "Node") -> list[Word]:
        if node.type == "test_command" or _is_arithmetic(node):
            return flat_words(node, self._words)
        if node.type in ("declaration_command", "unset_command"):
            return [self._words.plain(child) if at == 0 else self._words.word(child) for at, child in enumerate(node.children)]
        parts = [
            child for child in node.children if child.type not in _REDIRECTS | {"variable_assignment", "comment"} and not child.is_missing
        ]
        return [self._words.word(child) for child in parts if child.end_byte > child.start_byte and child.type not in ("(", ")")]

    def _inner(self, node: "Node", redirects: Sequence["Node"], index: int, around: Around) -> None:
        """The commands in the words of a command."""
        name = self._drafts[index]["name"]
        is_test = node.type == "test_command" or _is_arithmetic(node) or name == "test"
        for child in (*node.children, *(other for other in redirects if other.parent != node)):
            if child.type == "variable_assignment":
                self._inner_assignment(child, index, around)
                continue
            how = "test" if is_test else "here-string" if child.type == "herestring_redirect" else "argument"
            inside = replace(around, inside=index)
            self._substitute(child, inside, Fate(False, "argument", name), Fate(True, how, name))

    def _inner_assignment(self, node: "Node", index: int, around: Around) -> None:
        """The commands in the value of ``local x=$(...)``: their status is lost behind the declaration's own."""
        name, value = self._name_of(node), node.child_by_field_name("value")
        if value is None:
            return
        inside = replace(around, inside=index, variable=name)
        results = self._substitute(value, inside, Fate(False, "declaration", self._drafts[index]["name"]), Fate(True, "variable", name))
        own = [replace(part, substitutes=results) if part.name == name else part for part in self._drafts[index]["assignments"]]
        for before, after in zip(self._drafts[index]["assignments"], own, strict=True):
            self.assignments[self.assignments.index(before)] = after
        self._drafts[index]["assignments"] = tuple(own)

    def _substitute(self, node: "Node", around: Around, status: Fate, output: Fate) -> tuple[int, ...]:
        """The commands inside the substitutions of a node; gives the indices of their last ones."""
        results: list[int] = []
        before = self._last
        for part in substitutions(node):
            opening = part.children[0].type if part.children else "$("
            inside = Around(
                function=around.function, depth=around.depth + 1, nesting=around.nesting, substitution=opening, inside=around.inside,
                variable=around.variable, loops=around.loops, guards=around.guards, output=output, condition="",
            )  # fmt: skip
            ran = self._sequence(part.children, replace(inside, status=status), status)
            results += ran.results
        self._last = results[-1] if results and around.variable else before
        return tuple(results)

    # --- assignments

    def _assign(self, node: "Node", around: Around) -> Ran:
        mark = len(self._drafts)
        nodes = [node] if node.type == "variable_assignment" else [child for child in node.children if child.type == "variable_assignment"]
        results: tuple[int, ...] = ()
        for part in nodes:
            self._uses(part, None, self._name_of(part))
            assignment = self._assignment(part, replace(around, inside=None), self._status(around))
            self.assignments.append(assignment)
            results = assignment.substitutes
        self._last = results[-1] if results else None
        return Ran(mark if mark < len(self._drafts) else None, results)

    def _assignments(self, node: "Node", around: Around) -> Iterator[Assignment]:
        """Those of a command: before it, or those that local, export and declare make."""
        keyword = self._words.raw(node.children[0]) if node.type == "declaration_command" else ""
        for child in node.children:
            if child.type == "variable_assignment" or (keyword and child.type == "variable_name"):
                row, column = child.start_point
                value = child.child_by_field_name("value")
                assignment = Assignment(
                    self._name_of(child), self._words.word(value) if value is not None else None, self._source.line(row),
                    self._source.line(child.end_point[0]), self._source.column(row, column), keyword, around.function, not keyword,
                    any(part.type == "+=" for part in child.children), value is not None and value.type == "array",
                )  # fmt: skip
                self.assignments.append(assignment)
                yield assignment

    def _assignment(self, node: "Node", around: Around, status: Fate) -> Assignment:
        value = node.child_by_field_name("value")
        name = self._name_of(node)
        substitutes: tuple[int, ...] = ()
        if value is not None:
            inside = replace(around, variable=name)
            substitutes = self._substitute(value, inside, status, Fate(True, "variable", name))
        row, column = node.start_point
        return Assignment(
            name, self._words.word(value) if value is not None else None, self._source.line(row), self._source.line(node.end_point[0]),
            self._source.column(row, column), "", around.function, False, any(part.type == "+=" for part in node.children),
            value is not None and value.type == "array", substitutes,
        )  # fmt: skip

    def _name_of(self, node: "Node") -> str:
        name = node.child_by_field_name("name")
        return re.sub(r"\[.*", "", self._words.raw(name if name is not None else node), flags=re.DOTALL)

    # --- redirections, $?, set

    def _redirections(
        self, nodes: Sequence["Node"], around: Around, read_only: bool = False
    ) -> tuple[tuple[Redirection, ...], Heredoc | None]:
        found: list[Redirection] = []
        heredoc: Heredoc | None = None
        for node in nodes:
            operator = next((child for child in node.children if not child.is_named), None)
            target = next((child for child in reversed(node.children) if child.is_named and child.type != "file_descriptor"), None)
            if operator is None or target is None:
                continue
            known = self._source.heredocs.get(operator.start_byte)
            if known:
                heredoc = known
                continue
            descriptor = next((self._words.raw(child) for child in node.children if child.type == "file_descriptor"), "")
            number = int(descriptor) if descriptor.isdigit() and len(descriptor) < 4 else None
            found.append(Redirection(self._words.raw(operator), self._words.word(target), number))
            if not read_only:
                self._substitute(target, around, Fate(False, "argument"), Fate(True, "argument"))
        return tuple(found), heredoc

    def _uses(self, node: "Node", by: int | None, saved_as: str) -> None:
        """Writes down each ``$?`` of a command's own words."""
        for part in _special(node):
            if self._words.raw(part) in ("$?", "${?}"):
                row, column = part.start_point
                self.status_uses.append(StatusUse(self._source.line(row), self._source.column(row, column), self._last, by, saved_as))

    def _switch(self, words: Sequence[Word]) -> None:
        """``set`` and ``trap`` change what holds from here on (POSIX.1-2024, 2.15: set, trap)."""
        texts = [word.text or "" for word in words]
        if texts[:1] == ["trap"]:
            self.traps += [text for text in texts[2:] if text]
        if texts[:1] != ["set"]:
            return
        strict = self._strict
        for at, text in enumerate(texts[1:], 1):
            on = text.startswith("-")
            if not text.startswith(("-", "+")):
                continue
            named = texts[at + 1] if "o" in text and at + 1 < len(texts) else ""
            strict = Strictness(
                on if "e" in text or named == "errexit" else strict.errexit,
                on if "u" in text or named == "nounset" else strict.nounset,
                on if named == "pipefail" else strict.pipefail,
            )
        self._strict = strict

    def _settle(self) -> None:
        """What is known only at the end: who asked for a status, and whether a trap sees failures."""
        for use in self.status_uses:
            if use.of is not None and self._drafts[use.of]["status"].how == "ignored":
                self._drafts[use.of]["status"] = Fate(True, "asked", f"line {use.line}")
        if "ERR" in self.traps:
            for draft in self._drafts:
                if draft["status"].how == "ignored":
                    draft["status"] = Fate(True, "trap", "ERR")


def _in_background(nodes: Sequence["Node"], at: int) -> bool:
    return at + 1 < len(nodes) and nodes[at + 1].type == "&"


def _is_arithmetic(node: "Node") -> bool:
    return node.type == "compound_statement" and bool(node.children) and node.children[0].type == "(("


def _output_of(redirection: Redirection, otherwise: Fate) -> Fate:
    if redirection.discards:
        return Fate(False, "discarded", "/dev/null")
    return Fate(True, "file", redirection.target.filled) if redirection.writes else otherwise


def _stages(node: "Node") -> Iterator[Stage]:
    """The parts of a pipeline in order. The tree nests them, with a redirection of the last one around the whole."""
    inner = [child for child in node.children if child.is_named and child.type not in _REDIRECTS | {"comment"}]
    match node.type:
        case "pipeline":
            for child in inner:
                yield from _stages(child)
        case "negated_command" if inner:
            stages = list(_stages(inner[0]))
            stages[0].negated = not stages[0].negated
            yield from stages
        case "redirected_statement":
            redirects = [child for child in node.children if child.type in _REDIRECTS]
            stages = list(_stages(inner[0])) if inner else [Stage(node)]
            stages[-1].redirects += redirects
            yield from stages
        case _:
            yield Stage(node)


def _special(node: "Node") -> Iterator["Node"]:
    """The expansions in a command's own words, not in commands inside them."""
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if part.type in ("simple_expansion", "expansion"):
            yield part
        if part.type not in ("command_substitution", "process_substitution") or part is node:
            waiting.extend(reversed(part.children))
