-- Every row of the reviews with its outcome, as mr_clean_reviews.py wrote it.
-- Parameters: none.
-- Usage: once before load_staging_reviews.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.staging_reviews (
    outcome STRING COMMENT 'clean or quarantined',
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    corpus STRING COMMENT 'where the review comes from',
    corpus_file STRING COMMENT 'its file in the corpus',
    corpus_line INT COMMENT 'its line in that file',
    label INT COMMENT '1 positive, 0 negative',
    `language` STRING COMMENT 'en, ko or other',
    changes STRING COMMENT 'what cleaning took out, joined by |',
    text STRING COMMENT 'the review without HTML and control characters, on one line',
    reason STRING COMMENT 'why the row is not clean, NULL for clean rows',
    raw_line STRING COMMENT 'base64 of the row as it stands in the file, quarantined rows only'
)
COMMENT 'Review rows with their outcome as text, in the job output folder'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
LOCATION '/marquee/warehouse/staging_reviews'
TBLPROPERTIES ('transactional' = 'false')
