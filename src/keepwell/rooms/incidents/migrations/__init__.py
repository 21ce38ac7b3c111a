"""Alembic revisions of the tables of incidents, oldest first; the newest is named in ``incidents/offer.py``."""
