"""What the room of runbooks does: async, with ports."""
