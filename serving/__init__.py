"""Read-only recommendation API over immutable publications, and the program that handles publications."""
