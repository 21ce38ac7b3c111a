"""What the kind ``host`` can ask of a Linux host, a part each: its questions, and how their answers become verdicts. All of it is pure."""
