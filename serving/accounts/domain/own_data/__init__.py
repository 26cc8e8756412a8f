"""Which movie an id means while own data is live, and which rows of the catalogue are its movies."""
