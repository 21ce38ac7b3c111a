"""The asynchronous verbs of the checks room."""
