-- Creates the attempt's twin of a table.
-- Parameters: table.
-- Usage: once after create_<table>.hql; does nothing where the twin exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee_attempt.{{ table }} LIKE marquee.{{ table }}
LOCATION '/marquee/warehouse/_attempts/{{ table }}'
