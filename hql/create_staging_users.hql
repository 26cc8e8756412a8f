-- Every row of the users file with its outcome, as mr_clean_users.py wrote it.
-- Parameters: none.
-- Usage: once before load_staging_users.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.staging_users (
    outcome STRING COMMENT 'clean, quarantined or superseded',
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    user_id INT COMMENT '1 to 2147483647',
    gender STRING COMMENT 'F or M, NULL where unknown',
    age INT COMMENT 'years, in ml-1m the least of a bracket, NULL where unknown',
    occupation STRING COMMENT 'by name, NULL where unknown',
    zip_code STRING COMMENT 'as written, NULL where unknown',
    reason STRING COMMENT 'why the row is not clean, NULL for clean rows',
    raw_line STRING COMMENT 'base64 of the row as it stands in the file, quarantined rows only'
)
COMMENT 'User rows with their outcome as text, in the job output folder'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
LOCATION '/marquee/warehouse/staging_users'
TBLPROPERTIES ('transactional' = 'false')
