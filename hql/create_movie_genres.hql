-- The genres of each movie, one row each.
-- Parameters: none.
-- Usage: once before load_movie_genres.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.movie_genres (
    movie_id INT COMMENT 'movie of the same batch',
    genre STRING COMMENT 'one genre of the movie'
)
COMMENT 'Genres of movies, one row each'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/movie_genres'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
