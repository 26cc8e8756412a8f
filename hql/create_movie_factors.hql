-- The model's factors of each movie, for scoring newcomers without Spark. spark_jobs/recommend_top_n.py writes the rows.
-- Parameters: none.
-- Usage: once before add_partition.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.movie_factors (
    movie_id INT COMMENT 'movie that the model knows',
    gain FLOAT COMMENT 'what the product of factors is multiplied with',
    prior FLOAT COMMENT 'what the score of the movie begins with, for every user',
    factors STRING COMMENT 'base64 of the factors, little-endian 4-byte floats, rank of them'
)
COMMENT 'The model by movie, for scoring a newcomer without Spark'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/movie_factors'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
