-- Stored reviews with what one sentiment model says of them, as spark_jobs/score_reviews.py wrote them. The texts stay in the reviews database.
-- Parameters: none.
-- Usage: once before add_partition.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.scored_reviews (
    review_id BIGINT COMMENT 'review in the reviews database',
    movie_id INT COMMENT 'movie that it is about',
    created_at BIGINT COMMENT 'when it was written, Unix seconds, UTC',
    month STRING COMMENT 'month of the writing in UTC, YYYY-MM',
    language STRING COMMENT 'language that the model found: en, ko or other',
    label STRING COMMENT 'positive or negative',
    probability DOUBLE COMMENT 'probability of positive',
    confident BOOLEAN COMMENT 'whether the model is sure enough',
    known DOUBLE COMMENT 'share of the n-grams of the text that the model knows'
)
COMMENT 'Reviews scored by the live sentiment model'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/scored_reviews'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
