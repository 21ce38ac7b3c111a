"""Go's text templates, as labels and annotations of rules use them."""
