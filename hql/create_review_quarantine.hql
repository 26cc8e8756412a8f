-- Review rows that are not used, with the reason and their position in the source.
-- Parameters: none.
-- Usage: once before load_review_quarantine.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.review_quarantine (
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    outcome STRING COMMENT 'quarantined or superseded',
    reason STRING COMMENT 'the rule that the row broke, or why a test text supersedes it',
    text STRING COMMENT 'the clean text, superseded rows only',
    raw_line STRING COMMENT 'base64 of the row as it stands in the file, quarantined rows only'
)
COMMENT 'Review rows that are not used: where they stand, why, and what they hold'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/review_quarantine'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
