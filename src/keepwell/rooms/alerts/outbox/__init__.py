"""Notices that wait to be delivered: stored with the change that caused them, tried until they are delivered or expire."""
