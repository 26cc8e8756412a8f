-- Clean tags. A user may give a movie many tags, but each tag once. Data sets without such a file have an empty partition.
-- Parameters: none.
-- Usage: once before load_tags.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.tags (
    user_id INT COMMENT '1 to 2147483647',
    movie_id INT COMMENT '1 to 2147483647',
    tag STRING COMMENT 'the tag as the user wrote it, trimmed',
    tagged_at BIGINT COMMENT 'Unix seconds, UTC, the latest where the tag was given again'
)
COMMENT 'Tags that users gave to movies'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/tags'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
