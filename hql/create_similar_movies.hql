-- Nearest movies of each movie, as spark_jobs/recommend_top_n.py wrote them.
-- Parameters: none.
-- Usage: once before add_partition.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.similar_movies (
    movie_id INT COMMENT 'movie the list is for',
    `rank` INT COMMENT 'place in the list, from 1',
    similar_movie_id INT COMMENT 'similar movie',
    score DOUBLE COMMENT 'cosine of the item factors'
)
COMMENT 'Nearest movies of each movie'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/similar_movies'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
