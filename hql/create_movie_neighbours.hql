-- How much a rated movie adds to other movies' scores, for scoring newcomers without Spark. spark_jobs/recommend_top_n.py writes the rows.
-- Parameters: none.
-- Usage: once before add_partition.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.movie_neighbours (
    movie_id INT COMMENT 'movie that a user rated',
    `rank` INT COMMENT 'place in the list, from 1',
    neighbour_id INT COMMENT 'movie whose score it changes',
    weight FLOAT COMMENT 'by how much, times the weight of the rating in the profile'
)
COMMENT 'What a rated movie adds to the scores of others, for scoring a newcomer without Spark'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/movie_neighbours'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
