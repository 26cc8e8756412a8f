"""What a person gives: the lines of `.env`, the values of settings, paths, and the arguments of make's targets."""
