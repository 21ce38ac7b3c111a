"""Floor 5: the demonstration. A laboratory of real servers on loopback, its manual imported and run, and faults to watch."""
