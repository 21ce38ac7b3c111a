"""Shell as rules see it: names, words, options, statuses, outputs, structure."""

import pytest

from keepwell.rooms.manual.reading.shell import Piece, read_shell
from keepwell.rooms.manual.reading.shell_model import Script, ShellCommand


def script(text: str) -> Script:
    return read_shell(Piece(text, 1))


def command(text: str, name: str) -> ShellCommand:
    return next(script(text).named(name))


@pytest.mark.parametrize(
    ("text", "name", "wrappers"),
    [
        ("systemctl status x", "systemctl", ()),
        ("sudo -u postgres psql -c 'select 1'", "psql", ("sudo",)),
        ("sudo FOO=1 /usr/bin/rm x", "rm", ("sudo",)),
        ("env -u A LANG=C sort f", "sort", ("env",)),
        ("time nice -n 5 tar cf a b", "tar", ("time", "nice")),
        ("timeout -k 5 30 curl x", "curl", ("timeout",)),
        ("nohup ./server.sh &", "server.sh", ("nohup",)),
        ("docker exec -it -u root db psql", "psql", ("docker exec",)),
        ("docker compose exec -T db pg_dump x", "pg_dump", ("docker compose exec",)),
        ("docker-compose -f a.yml exec -T db pg_dump x", "pg_dump", ("docker-compose exec",)),
        ("kubectl exec -n x pod-1 -- redis-cli ping", "redis-cli", ("kubectl exec",)),
        ("oc -n x rsh pod-1 ls", "ls", ("oc rsh",)),
        ("ssh -i key admin@host uptime", "uptime", ("ssh",)),
        ("ssh host 'uptime; df'", "ssh", ()),
        ("sudo", "sudo", ()),
        ("command -v apt", "command", ()),
        ("docker run --rm alpine ls", "docker", ()),
        ('"$PROGRAM" x', "", ()),
    ],
)
def test_names(text: str, name: str, wrappers: tuple[str, ...]) -> None:
    first = script(text).commands[0]
    assert (first.name, first.wrappers) == (name, wrappers)


def test_options_see_through_clusters_and_values() -> None:
    curl = command("curl -sSfo /tmp/x --max-time=5 -H 'A: b' -H 'C: d' -XPOST https://h/p", "curl")
    assert curl.flags == ("-s", "-S", "-f", "-o", "--max-time", "-H", "-H", "-X")
    assert curl.has_flag("-f", "--fail")
    assert not curl.has_flag("-P")
    assert curl.option("-o", "--output").text == "/tmp/x"  # type: ignore[union-attr]
    assert curl.option("--max-time").text == "5"  # type: ignore[union-attr]
    assert curl.option("-X").text == "POST"  # type: ignore[union-attr]
    assert [word.text for word in curl.options("-H")] == ["A: b", "C: d"]
    assert [word.text for word in curl.operands] == ["https://h/p"]
    find = command("find /tmp -name '*.log' -mtime +7 -delete", "find")
    assert find.has_flag("-delete")
    assert find.option("-mtime").text == "+7"  # type: ignore[union-attr]
    assert [word.text for word in find.operands] == ["/tmp"]
    grep = command("grep -rn -e pattern -- -x file", "grep")
    assert [word.text for word in grep.operands] == ["-x", "file"]
    assert command("systemctl --no-pager restart shop", "systemctl").is_("systemctl", "restart")


def test_words() -> None:
    text = 'DIR=/backup\nFILE="db-$(date +%F).sql"\nrm -rf $DIR/"$FILE" \'*.x\' *.y "${Z:-$Q}" <name> $1'
    words = command(text, "rm").arguments
    assert words[1].filled == "/backup/db-$(date +%F).sql"
    assert words[1].text is None
    assert words[1].has_unquoted_expansion
    assert words[1].variables == ("DIR", "FILE")
    assert (words[2].text, words[2].quoted, words[2].single_quoted, words[2].glob) == ("*.x", True, True, False)
    assert (words[3].text, words[3].glob) == ("*.y", True)
    assert words[4].variables == ("Z", "Q")
    assert not words[4].has_unquoted_expansion
    assert words[5].text == "<name>"
    assert words[6].variables == ("1",)
    assert (words[0].line, words[0].column) == (3, 4)


@pytest.mark.parametrize(
    ("text", "how", "detail"),
    [
        ("x", "ignored", ""),
        ("x; y", "ignored", ""),
        ("x && y", "and", ""),
        ("x || y", "or", "y"),
        ("x || true", "or-true", "true"),
        ("x || :", "or-true", ":"),
        ("if x; then y; fi", "condition", "if"),
        ("if y; then z; elif x; then z; fi", "condition", "elif"),
        ("while x; do y; done", "condition", "while"),
        ("until x; do y; done", "condition", "until"),
        ("if y; x; then z; fi", "condition", "if"),
        ("x | y", "pipe", ""),
        ("set -o pipefail\nx | y", "ignored", ""),
        ("set -euo pipefail\nx | y", "errexit", ""),
        ("set -e\nx", "errexit", ""),
        ("set -e\nset +e\nx", "ignored", ""),
        ("#!/bin/bash -e\nx\ny", "errexit", ""),
        ("#!/bin/bash\nx\ny", "ignored", ""),
        ("#!/bin/bash\nx", "returned", "script"),
        ("f() { y; x; }", "returned", "f"),
        ("x\nif [ $? -eq 0 ]; then y; fi", "asked", "line 2"),
        ("x\nRC=$?", "asked", "line 2"),
        ("x\ny\nif [ $? -eq 0 ]; then z; fi", "ignored", ""),
        ("x &", "background", ""),
        ("local a=$(x)", "declaration", "local"),
        ("a=$(x)", "ignored", ""),
        ("a=$(x) || exit 1", "or", "exit 1"),
        ("if ! a=$(x); then y; fi", "condition", "if"),
        ('echo "$(x)"', "argument", "echo"),
        ("trap 'y' ERR\nx", "trap", "ERR"),
        ("[ $(x) -gt 3 ]", "argument", "["),
    ],
)
def test_what_becomes_of_a_status(text: str, how: str, detail: str) -> None:
    status = command(text, "x").status
    assert (status.how, status.detail) == (how, detail)
    assert status.used is (how not in ("ignored", "or-true", "pipe", "background", "declaration", "argument"))


@pytest.mark.parametrize(
    ("text", "how", "detail"),
    [
        ("x", "shown", ""),
        ("x > /a/b", "file", "/a/b"),
        ("x >> /a/b 2>&1", "file", "/a/b"),
        ("x >/dev/null", "discarded", "/dev/null"),
        ("x 2>/dev/null", "shown", ""),
        ("x &> /dev/null", "discarded", "/dev/null"),
        ("x | jq .", "piped", "jq"),
        ("x | while read l; do y; done", "piped", "read"),
        ("{ x; y; } | tee f", "piped", "tee"),
        ("{ x; y; } > f", "file", "f"),
        ("a=$(x)", "variable", "a"),
        ("a=`x | y`", "piped", "y"),
        ('echo "got $(x)"', "argument", "echo"),
        ('[ "$(x)" = ok ]', "test", "["),
        ("if (( $(x) > 3 )); then y; fi", "test", "(("),
        ("cat <<< $(x)", "here-string", "cat"),
        ("diff <(x) f", "argument", "diff"),
        ("for a in $(x); do y; done", "argument", "for"),
        ("D=/b\nx > $D/f", "file", "/b/f"),
    ],
)
def test_what_becomes_of_an_output(text: str, how: str, detail: str) -> None:
    output = command(text, "x").output
    assert (output.how, output.detail) == (how, detail)
    assert output.used is (how not in ("shown", "discarded"))


@pytest.mark.parametrize(
    ("text", "of"),
    [
        ("a\nif [ $? -ne 0 ]; then b; fi", "a"),
        ("a\necho done\nif [ $? -ne 0 ]; then b; fi", "echo"),
        ("a | b\n[ $? -eq 0 ]", "b"),
        ("a && b\necho $?", "b"),
        ("x=$(a | b)\ntest $? -eq 0", "b"),
        ("x=$(a)\ny=1\necho $?", None),
        ("local x=$(a)\necho $?", "local"),
        ("f() { a; }\nb\necho $?", "b"),
        ('a > f\necho "status $?"', "a"),
        ("psql <<EOF\nselect 1;\nEOF\n[ $? -eq 0 ]", "psql"),
        ("echo $?", None),
    ],
)
def test_whose_status_it_really_is(text: str, of: str | None) -> None:
    read = script(text)
    (use,) = read.status_uses
    assert (read.commands[use.of].name if use.of is not None else None) == of


def test_a_saved_status_knows_its_variable() -> None:
    read = script("pg_dump x > y\nRESULT=$?\nif [ $RESULT -eq 0 ]; then z; fi")
    assert [(use.line, use.saved_as) for use in read.status_uses] == [(2, "RESULT")]
    assert command("pg_dump x > y\nRESULT=$?", "pg_dump").status.how == "asked"


def test_pipelines() -> None:
    read = script("! a -x | b 2>&1 | sudo c > /out/$y\nd")
    a, b, c, d = read.commands
    assert [part.name for part in b.pipeline] == ["a", "b", "c"]
    assert (a.is_first, b.is_first, b.is_last, c.is_last) == (True, False, False, True)
    assert (a.piped_to, c.piped_from, c.piped_to) == (b, b, None)
    assert a.negated
    assert c.redirections[0].target.filled == "/out/$y"
    assert (d.previous, a.next) == (c, d)
    assert d.pipeline == (d,)


def test_lists_and_guards() -> None:
    a, b, c = script("a && b || c").commands
    assert (a.and_then, a.or_else, b.or_else, c.or_else) == (b, c, c, None)
    assert b.guarded_by == (a,)
    assert c.guarded_by == ()
    read = script("if pg_dump x > y; then\n  find . -delete\nelse\n  z\nfi")
    assert next(read.named("find")).guarded_by[0].name == "pg_dump"
    assert next(read.named("z")).guarded_by == ()
    read = script("if ! a; then b; fi")
    assert next(read.named("b")).guarded_by == ()
    read = script("cd /x &&\n  rm -rf y")
    assert next(read.named("rm")).guarded_by[0].name == "cd"


def test_blocks() -> None:
    read = script(
        "for h in a $b; do\n  ssh $h x\ndone\nwhile read l; do y; done < f\ncase $1 in\n  start|go) s;;\n  *) t;;\nesac\n"
        "f() {\n  g\n}\nif a; then b; elif c; then d; else e; fi"
    )
    kinds = [(block.kind, block.line, block.end_line) for block in read.blocks]
    assert kinds == [("for", 1, 3), ("while", 4, 4), ("case", 5, 8), ("function", 9, 11), ("if", 12, 12), ("elif", 12, 12)]
    loop, reading, case, function, choice, _ = read.blocks
    assert (loop.variable, [word.raw for word in loop.words]) == ("h", ["a", "$b"])
    assert next(read.named("x")).loops == ("for",)
    assert [part.name for part in read.members(reading.condition)] == ["read"]
    assert case.patterns == ("start", "go", "*")
    assert function.name == "f"
    assert [part.name for part in read.members(choice.body)] == ["b"]
    assert [part.name for part in read.members(choice.otherwise)] == ["c", "d", "e"]
    assert next(read.named("g")).function == "f"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[ "$a" -eq 3 ]', [("-eq", '"$a"', "3", False)]),
        ("[ ! -f /x ]", [("-f", None, "/x", True)]),
        ("[[ $a == b* && ! -d y ]]", [("==", "$a", "b*", False), ("-d", None, "y", True)]),
        ("test -z x", [("-z", None, "x", False)]),
        ('test "$a" -gt 3 -a -s y', [("-gt", '"$a"', "3", False), ("-s", None, "y", False)]),
        ("(( a > 3 ))", [(">", "a", "3", False)]),
        ("[ $x ]", [("-n", None, "$x", False)]),
        ("[ $? -ne 0 -a b = c ]", [("-ne", "$?", "0", False), ("=", "b", "c", False)]),
    ],
)
def test_comparisons(text: str, expected: list[tuple[str, str | None, str, bool]]) -> None:
    tests = script(text).commands[0].tests
    assert [(part.operator, part.left.raw if part.left else None, part.right.raw, part.negated) for part in tests] == expected


def test_here_documents_wherever_they_stand() -> None:
    read = script("if psql <<EOF; then\nselect 1;\nEOF\n  a\nfi\ncat <<-'X' | b && c\n\t$one\n\tX\nd")
    psql = next(read.named("psql"))
    assert psql.heredoc
    assert (psql.heredoc.body, psql.heredoc.line, psql.heredoc.expands) == ("select 1;", 2, True)
    cat = next(read.named("cat"))
    assert cat.heredoc
    assert (cat.heredoc.body, cat.heredoc.expands) == ("\t$one", False)
    assert cat.piped_to is next(read.named("b"))
    assert next(read.named("d")).line == 9
    assert read.errors == ()


def test_assignments_and_constants() -> None:
    read = script("export A=/x B\nreadonly C='y z'\nFOO=1 cmd\nD+=q\nE=(a b)\nF=$A/f\nA2=1; A2=2")
    assert [(part.name, part.keyword, part.prefix) for part in read.assignments][:4] == [
        ("A", "export", False), ("B", "export", False), ("C", "readonly", False), ("FOO", "", True),
    ]  # fmt: skip
    assert read.value_of("C") == "y z"
    assert read.value_of("A2") is None
    assert read.assigned("E")[0].array
    assert read.assigned("F")[0].value.filled == "/x/f"  # type: ignore[union-attr]


def test_lines_columns_and_comments() -> None:
    read = read_shell(Piece("# above\nx  # behind\n  y \\\n    z", 41, offsets=[3, 3, 3, 3]))
    assert [(note.line, note.column, note.text, note.trailing) for note in read.comments] == [
        (41, 4, "above", False), (42, 7, "behind", True),
    ]  # fmt: skip
    x, y = read.commands
    assert (x.line, x.column, y.line, y.end_line, y.column) == (42, 4, 43, 44, 6)
    assert read.comment_above(42) == "above"


def test_columns_beyond_ascii() -> None:
    read = script('echo "✅ grün" && curl "$ü" http://<host>/x')
    curl = next(read.named("curl"))
    assert curl.column == 18
    assert curl.operands[-1].text == "http://<host>/x"
    assert read.commands[0].arguments[0].text == "✅ grün"


@pytest.mark.parametrize(
    "text", ["", "(", "echo 'abc", 'echo "$X', "if", "fi fi", "a | | b", "<<EOF", "cat <<EOF", "${", "$(", "`", ")" * 50, "((" * 40, "\\"]
)
def test_what_is_no_shell_gives_what_can_be_had(text: str) -> None:
    read = script("first\n" + text)
    assert read.commands == () or read.commands[0].name in ("first", "")


def test_nesting_without_end() -> None:
    assert script("$(" * 2000 + ")" * 2000).line == 1
    assert script("{ " * 3000 + "; }" * 3000).line == 1
    assert script("a && " * 3000 + "b").commands
    assert script("a | " * 3000 + "b").commands


@pytest.mark.parametrize(
    ("text", "operands", "flags"),
    [
        ("docker logs -f --tail=5 web", ["logs", "web"], ("-f", "--tail")),
        ("docker build -f a/Dockerfile -t x:1 .", ["build", "."], ("-f", "-t")),
        ("docker system prune -af --volumes", ["system", "prune"], ("-a", "-f", "--volumes")),
        ("docker compose -f a.yml logs -f web", ["compose", "logs", "web"], ("-f", "-f")),
        ("docker-compose -f a.yml up -d web", ["up", "web"], ("-f", "-d")),
        ("kubectl -n x logs -f pod", ["logs", "pod"], ("-n", "-f")),
        ("kubectl apply -f x.yml", ["apply"], ("-f",)),
        ("find /a /b -type f -exec rm -rf {} \\;", ["/a", "/b"], ("-type", "-exec")),
        ("xargs -0 rm -f", ["rm", "-f"], ("-0",)),
        ("date -d '1 day ago' +%F", ["+%F"], ("-d",)),
        ("pg_dump -Fc -U me shop", ["shop"], ("-F", "-U")),
        ("tail -n 5 -f x.log", ["x.log"], ("-n", "-f")),
        ("wget --wait 3 -qO- http://h", ["http://h"], ("--wait", "-q", "-O")),
    ],
)
def test_operands(text: str, operands: list[str], flags: tuple[str, ...]) -> None:
    first = script(text).commands[0]
    assert [word.text for word in first.operands] == operands
    assert first.flags == flags


def test_a_pipeline_ends_with_its_line() -> None:
    """The grammar alone takes the second line for more words of wc, as a redirection follows a pipeline of three."""
    read = script("ss -tn | grep :22 | wc -l\n\n# packages\napt list \\\n  --upgradable 2>/dev/null | grep x\n")
    assert [(c.name, len(c.words)) for c in read.commands] == [("ss", 2), ("grep", 2), ("wc", 2), ("apt", 3), ("grep", 2)]
    assert [c.line for c in read.commands] == [1, 1, 1, 4, 5]


def test_a_redirection_ends_with_its_line() -> None:
    """The grammar alone takes the echo for more targets of the first redirection."""
    text = 'a | \\\n    b | c | \\\n    d >> "$R"\n\n# note\necho -e "\\nM" >> "$R"\ngrep "$(date)" "$M" | \\\n  awk y >> "$R"\n'
    read = script(text)
    assert [(command.name, command.line) for command in read.commands] == [
        ("a", 1), ("b", 2), ("c", 2), ("d", 3), ("echo", 6), ("grep", 7), ("date", 7), ("awk", 8),
    ]  # fmt: skip
    assert [len(command.pipeline) for command in read.commands] == [4, 4, 4, 4, 1, 2, 1, 2]
    assert read.text == text


def test_a_pipeline_may_begin_with_an_assignment() -> None:
    read = script("b=1 | a\n")
    assert [(command.name, len(command.pipeline)) for command in read.commands] == [("a", 1)]
    assert [assignment.name for assignment in read.assignments] == ["b"]
