-- Ratings, users and movies of each calendar year (UTC).
-- Parameters: none.
-- Usage: once before load_ratings_by_year.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.ratings_by_year (
    rating_year INT COMMENT 'calendar year of the ratings, UTC',
    ratings BIGINT COMMENT 'number of ratings',
    users BIGINT COMMENT 'users who rated in that year',
    movies BIGINT COMMENT 'movies rated in that year',
    mean_rating DOUBLE COMMENT 'mean of the ratings, half stars'
)
COMMENT 'Activity of each calendar year, UTC'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/ratings_by_year'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
