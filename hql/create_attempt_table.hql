-- Creates the table of the same name and columns that a load writes to.
-- Parameters: table.
-- Usage: once after create_<table>.hql; does nothing where it exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee_attempt.{{ table }} LIKE marquee.{{ table }}
LOCATION '/marquee/warehouse/_attempts/{{ table }}'
