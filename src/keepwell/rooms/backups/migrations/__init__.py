"""Alembic revisions of the tables of backups, oldest first; the newest is named in ``backups/offer.py``."""
