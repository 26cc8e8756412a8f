-- Clean movies, one row of each.
-- Parameters: none.
-- Usage: once before load_movies.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.movies (
    movie_id INT COMMENT '1 to 2147483647',
    title STRING COMMENT 'title without its year',
    release_year INT COMMENT 'NULL where the title names none',
    genres STRING COMMENT 'joined by |, empty where none is listed'
)
COMMENT 'Movies, one row of each'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/movies'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
