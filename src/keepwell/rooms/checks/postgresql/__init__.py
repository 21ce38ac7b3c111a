"""What the kind ``postgres`` can ask of a server, a part each: a statement, and how its rows become verdicts. All of it is pure."""
