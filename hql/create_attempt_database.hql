-- Creates the database for unfinished loads. When all tables of a load are complete, the task moves their files to the warehouse. Each try of a load has a partition of its own.
-- Parameters: none.
-- Usage: before every create_attempt_table.hql.
CREATE DATABASE IF NOT EXISTS marquee_attempt
COMMENT 'What load_warehouse is working on, never to be read'
LOCATION '/marquee/warehouse/_attempts'
