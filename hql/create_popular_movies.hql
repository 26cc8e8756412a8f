-- Popular movies by scope, as spark_jobs/recommend_top_n.py wrote them.
-- Parameters: none.
-- Usage: once before add_partition.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.popular_movies (
    scope STRING COMMENT 'all, recent, genre:NAME or decade:YEAR',
    `rank` INT COMMENT 'place in the list, from 1',
    movie_id INT COMMENT 'popular movie',
    score DOUBLE COMMENT 'popularity score, higher is better',
    ratings BIGINT COMMENT 'ratings that were counted'
)
COMMENT 'Popular movies by scope'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/popular_movies'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
