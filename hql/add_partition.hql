-- Makes the files in a batch's folder of a table readable as its partition.
-- Parameters: table, batch_id.
-- Usage: after the folder is in place. A rerun does no harm.
ALTER TABLE marquee.{{ table }} ADD IF NOT EXISTS PARTITION (batch_id = '{{ batch_id }}')
LOCATION '/marquee/warehouse/{{ table }}/batch_id={{ batch_id }}'
