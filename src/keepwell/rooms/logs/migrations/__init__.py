"""Alembic revisions of the tables of logs, oldest first; the newest is named in ``logs/offer.py``."""
