"""Alembic revisions of the tables of checks, oldest first; the newest is named in ``checks/offer.py``."""
