"""The verbs of logs: rotating, cleaning, asking and watching."""
