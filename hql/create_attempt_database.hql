-- Creates the database of unfinished work: a load writes there, and its files are moved into the warehouse when all are complete.
-- Parameters: none.
-- Usage: before every create_attempt_table.hql.
CREATE DATABASE IF NOT EXISTS marquee_attempt
COMMENT 'What load_warehouse is working on, never to be read'
LOCATION '/marquee/warehouse/_attempts'
