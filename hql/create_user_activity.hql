-- The number, mean and times of each user's ratings.
-- Parameters: none.
-- Usage: once before load_user_activity.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.user_activity (
    user_id INT COMMENT 'user of the same batch',
    ratings BIGINT COMMENT 'number of ratings',
    mean_rating DOUBLE COMMENT 'mean of the ratings, half stars',
    first_rated_at BIGINT COMMENT 'earliest rating, Unix seconds, UTC',
    last_rated_at BIGINT COMMENT 'latest rating, Unix seconds, UTC'
)
COMMENT 'Ratings of each user'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/user_activity'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
