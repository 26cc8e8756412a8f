-- Creates the database for unfinished loads. When all tables of a load are complete, the task moves their files to the warehouse.
-- Parameters: none.
-- Usage: before every create_attempt_table.hql.
CREATE DATABASE IF NOT EXISTS marquee_attempt
COMMENT 'What load_warehouse is working on, never to be read'
LOCATION '/marquee/warehouse/_attempts'
