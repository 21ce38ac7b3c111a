"""What the ``http`` kind is made of: its options, the requests it puts, and the judgement of their responses. All of it is pure."""
