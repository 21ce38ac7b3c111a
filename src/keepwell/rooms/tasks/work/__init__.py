"""The living room of tasks."""
