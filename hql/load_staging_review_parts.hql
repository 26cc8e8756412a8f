-- Makes the output of the split readable as a partition; the rows stay where they were written.
-- Parameters: batch_id.
-- Usage: before every load that reads staging_review_parts. A rerun does no harm.
ALTER TABLE marquee.staging_review_parts ADD IF NOT EXISTS PARTITION (batch_id = '{{ batch_id }}')
LOCATION '/marquee/clean/reviews/{{ batch_id }}/review_parts'
