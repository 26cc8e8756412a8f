"""The sentiment model: NumPy alone, so that the service and Spark's executors can hold it."""
