"""An expression over columns of samples, for all moments of a query at once. Pure: what it needs was fetched before."""
