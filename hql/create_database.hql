-- Creates the warehouse database; does nothing where it exists.
-- Parameters: none.
-- Usage: run first, before every create_<table>.hql, through HiveServer2.
CREATE DATABASE IF NOT EXISTS marquee
COMMENT 'Marquee: cleaned MovieLens data and what is derived from it, one partition a batch'
LOCATION '/marquee/warehouse'
