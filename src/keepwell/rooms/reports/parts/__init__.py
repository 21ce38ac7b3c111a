"""The parts of a report, one file each: facts become a table, plots and sentences. Pure."""
