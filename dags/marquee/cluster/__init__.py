"""Talk to programs, HDFS and YARN; nothing here is an Airflow operator."""
