"""Where the jobs run: the Spark session, files and tables of the warehouse, and training and list tables as Spark tasks."""
