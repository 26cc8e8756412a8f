-- Makes the ids of a data set of one's own readable.
-- Parameters: dataset.
-- Usage: after ingest, for own data; does nothing where the partition exists.
ALTER TABLE marquee.ids ADD IF NOT EXISTS PARTITION (dataset = '{{ dataset }}') LOCATION '/marquee/ids/{{ dataset }}'
