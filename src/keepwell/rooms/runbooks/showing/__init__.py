"""What runbooks and runs show: routes, pages, and their words."""
