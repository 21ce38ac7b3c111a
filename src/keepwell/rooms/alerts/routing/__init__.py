"""Where an alert goes, with which others, when, and what keeps it from going: Alertmanager's rules, as pure functions."""
