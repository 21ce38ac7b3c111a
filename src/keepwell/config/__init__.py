"""Floor 2: an operations directory read into frozen values, with every problem's place; and what a person accepted."""
