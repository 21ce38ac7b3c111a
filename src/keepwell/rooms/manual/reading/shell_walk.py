"""Walks the parser's tree once: lists, pipelines and compound statements around simple commands. Pure; used by shell.py only."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .shell_around import ASSIGNMENTS, DEEPEST, SIMPLE, STATEMENTS, Around, Ran, Stage, in_background, is_arithmetic, output_of, stages_of
from .shell_model import Block, ShellCommand
from .shell_simple import SimpleCommands
from .shell_values import IGNORED, SHOWN, Fate

if TYPE_CHECKING:
    from tree_sitter import Node

_SUCCEEDS = frozenset(("true", ":", "/bin/true", "exit 0", "return 0"))


class Walk(SimpleCommands):
    """One pass over a tree. Afterwards its lists hold what was found beside the commands."""

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
        statements = [(node, in_background(nodes, at)) for at, node in enumerate(nodes) if node.type in STATEMENTS]
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
        if around.nesting >= DEEPEST:
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
        return self._stages(list(stages_of(node)), around)

    def _stages(self, stages: list[Stage], around: Around) -> Ran:
        if len(stages) == 1 and stages[0].node.type in ("pipeline", "redirected_statement", "negated_command"):
            inner = list(stages_of(stages[0].node))
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
                if len(members) > 1:
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
        if node.type in SIMPLE or is_arithmetic(node):
            return self._command(stage, around)
        if node.type in ASSIGNMENTS:
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
        return replace(around, output=output_of(taking, around.output)) if taking else around

    # --- compound statements

    def _block(self, kind: str, node: "Node", **parts: Any) -> None:
        first, last = self._source.line(node.start_point[0]), self._source.line(node.end_point[0])
        self._starts.append((node.start_byte, len(self._starts), Block(kind, first, last, **parts)))

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The compound statements, outer ones before those in them."""
        return tuple(block for _, _, block in sorted(self._starts, key=lambda entry: entry[:2]))

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
