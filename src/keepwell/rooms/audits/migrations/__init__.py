"""Alembic revisions of the tables of audits, oldest first; the newest is named in ``audits/offer.py``."""
