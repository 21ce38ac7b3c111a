"""The parts of the kind ``redis``: its options, what INFO says, and what is judged of it."""
