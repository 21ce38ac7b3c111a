"""What the kinds for Prometheus and its family share: selectors of series, and the judgement of several numbers at once."""
