"""The cleaning rules of the mrjob jobs, for a comparison of Spark with mrjob."""
