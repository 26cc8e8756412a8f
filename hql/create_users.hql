-- Clean users, one row of each. Data sets without such a file have an empty partition.
-- Parameters: none.
-- Usage: once before load_users.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.users (
    user_id INT COMMENT '1 to 2147483647',
    gender STRING COMMENT 'F or M, NULL where unknown',
    age INT COMMENT 'years, in ml-1m the least of a bracket, NULL where unknown',
    occupation STRING COMMENT 'by name, NULL where unknown',
    zip_code STRING COMMENT 'as written, NULL where unknown'
)
COMMENT 'Users as the source describes them'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/users'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
