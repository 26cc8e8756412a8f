"""Rules of texts that people write."""
