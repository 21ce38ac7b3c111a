"""What is wrong in a manual, and why: rules over its reading."""
