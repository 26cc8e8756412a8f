"""Reviews scored by the sentiment model on Spark's executors."""
