-- Makes the output of mr_clean_users.py readable as a partition; the rows stay where the job wrote them.
-- Parameters: batch_id, dataset.
-- Usage: after mr_clean_users.py, before every load that reads staging_users. A rerun does no harm.
ALTER TABLE marquee.staging_users ADD IF NOT EXISTS PARTITION (batch_id = '{{ batch_id }}')
LOCATION '/marquee/clean/{{ dataset }}/{{ batch_id }}/users'
