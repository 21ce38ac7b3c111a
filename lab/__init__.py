"""What the laboratory has beside the part that is shipped: services that only tests and benchmarks operate and break."""
