"""Alertmanager's configuration turned into sections of keepwell.yaml: text in, texts and a report out."""
