-- Makes Hive forget a batch's partition of a table; the files of these external tables stay.
-- Parameters: table, batch_id.
-- Usage: before load_staging_<part>.hql, since the same batch may have been made of another data set; when a batch is retired.
ALTER TABLE marquee.{{ table }} DROP IF EXISTS PARTITION (batch_id = '{{ batch_id }}')
