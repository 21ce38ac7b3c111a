"""Pages of measurements, asked for again and again as Prometheus does it: targets, relabelling, parsing, staleness."""
