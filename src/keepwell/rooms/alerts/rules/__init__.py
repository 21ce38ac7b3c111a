"""Rules: what is a reason to tell somebody."""
