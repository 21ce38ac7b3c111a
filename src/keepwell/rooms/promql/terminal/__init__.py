"""``keepwell query``: a question in PromQL on the command line, and its answer for people."""
