-- The ids of own data with the numbers that stand for them in all other tables. Ingest adds files and changes none.
-- Parameters: none.
-- Usage: once before add_ids.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.ids (
    kind STRING COMMENT 'user or item',
    number INT COMMENT 'user_id or movie_id, 1 to 999999999',
    own_id STRING COMMENT 'id as the data set has it, up to 256 bytes'
)
COMMENT 'Ids of own data, each with its number, the same in every batch'
PARTITIONED BY (dataset STRING COMMENT 'name of the data set')
ROW FORMAT DELIMITED FIELDS TERMINATED BY '\t' NULL DEFINED AS '\\N'
STORED AS TEXTFILE
LOCATION '/marquee/ids'
TBLPROPERTIES ('transactional' = 'false')
