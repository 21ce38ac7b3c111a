"""The laboratory: a stand-in audio server, nginx in front of it where nginx is installed, and the faults that break them.

Nothing here knows Keepwell's rooms: it is a small service to operate, with a manual of its own (``manual.md``), as a team would have it.
"""
