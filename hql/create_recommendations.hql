-- Top-N lists of users, as spark_jobs/recommend_top_n.py wrote them.
-- Parameters: none.
-- Usage: once before add_partition.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.recommendations (
    user_id INT COMMENT 'user the list is for',
    `rank` INT COMMENT 'place in the list, from 1',
    movie_id INT COMMENT 'recommended movie',
    score DOUBLE COMMENT 'model score, higher is better',
    reason_movie_ids STRING COMMENT 'comma-joined movies of the user that contributed most, may be empty'
)
COMMENT 'Top-N movies of each user'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/recommendations'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
