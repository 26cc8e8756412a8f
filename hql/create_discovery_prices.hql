-- What a place in a list of discoveries costs, by movie of the long tail. spark_jobs/recommend_top_n.py writes the rows.
-- Parameters: none.
-- Usage: once before add_partition.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.discovery_prices (
    movie_id INT COMMENT 'movie of the long tail',
    price FLOAT COMMENT 'what a place in a list of discoveries costs'
)
COMMENT 'Prices of the long tail, for a list of discoveries without Spark'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/discovery_prices'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
