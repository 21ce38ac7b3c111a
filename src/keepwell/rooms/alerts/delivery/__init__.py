"""Notices on their last way: receivers, people, and what they answer."""
