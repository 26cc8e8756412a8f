-- Makes the output of mr_clean_ratings.py readable as a partition; the rows stay where the job wrote them.
-- Parameters: batch_id, dataset.
-- Usage: after mr_clean_ratings.py, before every load that reads staging_ratings. A rerun does no harm.
ALTER TABLE marquee.staging_ratings ADD IF NOT EXISTS PARTITION (batch_id = '{{ batch_id }}')
LOCATION '/marquee/clean/{{ dataset }}/{{ batch_id }}/ratings'
