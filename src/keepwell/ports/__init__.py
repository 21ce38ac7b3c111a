"""Floor 1: what the rooms ask of the machine, and the values by which a room declares what it offers."""
