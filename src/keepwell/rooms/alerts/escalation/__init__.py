"""Who is told when nobody answers: steps with delays, and the rota that says whose week it is."""
