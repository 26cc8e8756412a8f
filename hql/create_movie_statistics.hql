-- How often and how well each movie is rated. The Bayesian mean adds the mean of all ratings ten times,
-- so that a movie with one five-star rating does not lead every list.
-- Parameters: none.
-- Usage: once before load_movie_statistics.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.movie_statistics (
    movie_id INT COMMENT 'movie of the same batch',
    ratings BIGINT COMMENT 'number of ratings',
    mean_rating DOUBLE COMMENT 'mean of the ratings, half stars',
    bayesian_mean DOUBLE COMMENT 'mean drawn to the mean of all ratings by ten of them',
    first_rated_at BIGINT COMMENT 'earliest rating, Unix seconds, UTC',
    last_rated_at BIGINT COMMENT 'latest rating, Unix seconds, UTC'
)
COMMENT 'Ratings of each movie'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/movie_statistics'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
