"""What import recognises, a module each: it exports one ``RECOGNISER`` and is found by folder scan. All are pure."""
