"""Alembic revisions of the tables of tasks, oldest first; the newest is named in ``tasks/offer.py``."""
