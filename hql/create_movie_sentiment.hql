-- What the sentiment model says of the reviews of each movie, by month and in all.
-- Parameters: none.
-- Usage: once before load_movie_sentiment.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.movie_sentiment (
    movie_id INT COMMENT 'movie with at least one review',
    month STRING COMMENT 'month of the writing in UTC, YYYY-MM, or all',
    reviews BIGINT COMMENT 'number of reviews',
    mean_probability DOUBLE COMMENT 'mean probability of positive',
    share_positive DOUBLE COMMENT 'share of the reviews with the label positive'
)
COMMENT 'Sentiment of the reviews of each movie'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/movie_sentiment'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
