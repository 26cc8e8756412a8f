-- The part of each clean review, or why a test text supersedes it, as the split wrote it.
-- Parameters: none.
-- Usage: once before load_staging_review_parts.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.staging_review_parts (
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    part STRING COMMENT 'training, calibration, validation or test, NULL for superseded rows',
    reason STRING COMMENT 'why the row is superseded, NULL for others'
)
COMMENT 'Parts of the clean reviews as text, in the output folder of the split'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
LOCATION '/marquee/warehouse/staging_review_parts'
TBLPROPERTIES ('transactional' = 'false')
