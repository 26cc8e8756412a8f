-- Removes what earlier tries of a batch's load wrote to a table of unfinished loads from Hive. The tables are external, so that the files stay.
-- Parameters: table, batch_id.
-- Usage: before the first load of a try; when a batch is dropped. A try's name is the batch's and more after a hyphen, which sorts before the dot.
ALTER TABLE marquee_attempt.{{ table }} DROP IF EXISTS PARTITION (batch_id >= '{{ batch_id }}', batch_id < '{{ batch_id }}.')
