"""Floor 0: values and rules without input or output. Nothing here reads the clock, a file, the environment or the network."""
