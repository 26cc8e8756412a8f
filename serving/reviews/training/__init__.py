"""Training of the sentiment model, in an environment of its own (requirements/sentiment.txt)."""
