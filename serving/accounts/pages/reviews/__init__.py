"""The pages of a movie's reviews, for their authors, for readers and for staff."""
