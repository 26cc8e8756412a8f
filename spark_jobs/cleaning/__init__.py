"""The cleaning rules of the mrjob jobs, written for Spark to compare the two engines."""
