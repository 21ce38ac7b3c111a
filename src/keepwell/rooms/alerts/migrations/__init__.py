"""Alembic revisions of the tables of alerts, oldest first; the newest is named in ``alerts/offer.py``."""
