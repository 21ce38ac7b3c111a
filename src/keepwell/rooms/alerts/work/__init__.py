"""What alerts do over time: async, on ports."""
