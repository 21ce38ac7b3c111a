"""What is promised of a service, and the windows in which work on it is foreseen."""
