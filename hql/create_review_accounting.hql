-- Where the rows of every file of reviews went.
-- Parameters: none.
-- Usage: once before load_review_accounting.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.review_accounting (
    source_file STRING COMMENT 'file of the raw snapshot',
    rows_in BIGINT COMMENT 'rows counted at ingest, from the manifest',
    rows_clean BIGINT COMMENT 'rows that were loaded',
    rows_quarantined BIGINT COMMENT 'rows that were rejected',
    rows_superseded BIGINT COMMENT 'rows that repeat a test text'
)
COMMENT 'rows_in = rows_clean + rows_quarantined + rows_superseded, file by file'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/review_accounting'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
