-- Rejected rows, with the reason and their position in the source.
-- Parameters: none.
-- Usage: once before load_quarantine.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.quarantine (
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    reason STRING COMMENT 'the rule that the row broke',
    raw_line STRING COMMENT 'base64 of the row as it stands in the file'
)
COMMENT 'Rejected rows: where they stand, why, and their bytes'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/quarantine'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
