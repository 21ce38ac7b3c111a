"""What speaks to other machines, tested again on the event loop that a running server has."""
