-- The hundred best movies of each genre by Bayesian mean; equal means are ordered by movie.
-- Parameters: none.
-- Usage: once before load_popular_by_genre.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.popular_by_genre (
    genre STRING COMMENT 'genre of the list',
    `rank` INT COMMENT 'place in the list, from 1',
    movie_id INT COMMENT 'movie of the same batch',
    ratings BIGINT COMMENT 'number of ratings',
    bayesian_mean DOUBLE COMMENT 'mean drawn to the mean of all ratings by ten of them'
)
COMMENT 'Best hundred movies of each genre by Bayesian mean'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/popular_by_genre'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
