"""Alembic revisions of storage's own tables, oldest first; the newest is named in ``storage/offer.py``."""
