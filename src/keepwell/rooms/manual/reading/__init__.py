"""A manual's text as values: what stands where, the shell in it as commands, the names it defines and uses. Pure: no I/O."""
