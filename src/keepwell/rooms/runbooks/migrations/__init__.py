"""Alembic revisions of the tables of runbooks, oldest first; the newest is named in ``runbooks/offer.py``."""
