"""What makes, keeps and sends reports."""
