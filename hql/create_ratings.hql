-- Clean ratings, one of each user and movie.
-- Parameters: none.
-- Usage: once before load_ratings.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.ratings (
    user_id INT COMMENT '1 to 2147483647',
    movie_id INT COMMENT '1 to 2147483647',
    rating DOUBLE COMMENT 'half stars, 0.5 to 5.0',
    rated_at BIGINT COMMENT 'Unix seconds, UTC'
)
COMMENT 'One rating of each user and movie: the latest'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/ratings'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
