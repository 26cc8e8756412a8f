-- Clean links, one row of each movie. Data sets without such a file have an empty partition.
-- Parameters: none.
-- Usage: once before load_links.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.links (
    movie_id INT COMMENT '1 to 2147483647',
    imdb_id STRING COMMENT 'seven digits or more, NULL where the source names none',
    tmdb_id INT COMMENT 'NULL where the source names none'
)
COMMENT 'Ids of movies at IMDb and TMDB'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/links'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
