"""Film reviews: the sentiment model, its training, its corpora and the service."""
