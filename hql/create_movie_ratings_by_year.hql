-- Mean rating of each movie in each calendar year (UTC).
-- Parameters: none.
-- Usage: once before load_movie_ratings_by_year.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.movie_ratings_by_year (
    movie_id INT COMMENT 'movie of the same batch',
    rating_year INT COMMENT 'calendar year of the ratings, UTC',
    ratings BIGINT COMMENT 'number of ratings',
    mean_rating DOUBLE COMMENT 'mean of the ratings, half stars'
)
COMMENT 'Ratings of each movie in each calendar year, UTC'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/movie_ratings_by_year'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
