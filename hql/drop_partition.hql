-- Removes a batch's partition of a table from Hive. The tables are external, so that the files stay.
-- Parameters: table, batch_id.
-- Usage: before load_staging_<part>.hql, because an earlier run of the batch may have used another data set; when a batch is dropped.
ALTER TABLE marquee.{{ table }} DROP IF EXISTS PARTITION (batch_id = '{{ batch_id }}')
