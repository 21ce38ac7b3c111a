"""What people see of alerts and do about them: JSON below /api/v1, pages, commands, and the report of patterns."""
