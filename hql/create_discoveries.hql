-- Lists of users from the long tail, as spark_jobs/recommend_top_n.py wrote them.
-- Parameters: none.
-- Usage: once before add_partition.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.discoveries (
    user_id INT COMMENT 'user the list is for',
    `rank` INT COMMENT 'place in the list, from 1',
    movie_id INT COMMENT 'recommended movie of the long tail',
    score DOUBLE COMMENT 'score in the long tail less the price of the place',
    reason_movie_ids STRING COMMENT 'comma-joined movies of the user that contributed most, may be empty'
)
COMMENT 'Movies of the long tail for each user'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/discoveries'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
