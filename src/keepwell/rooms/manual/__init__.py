"""The manual: a Markdown document becomes an operations directory."""
