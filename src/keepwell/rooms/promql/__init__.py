"""PromQL: the language in which samples are asked for."""
