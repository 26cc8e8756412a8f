"""Rules of texts, reviews, feedback and jobs; no FastAPI."""
