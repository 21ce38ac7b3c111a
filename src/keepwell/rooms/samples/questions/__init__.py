"""Questions to samples: one pure module each, and the routes by which they are asked."""
