-- Makes the output of mr_clean_reviews.py readable as a partition; the rows stay where they were written.
-- Parameters: batch_id.
-- Usage: before every load that reads staging_reviews. A rerun does no harm.
ALTER TABLE marquee.staging_reviews ADD IF NOT EXISTS PARTITION (batch_id = '{{ batch_id }}')
LOCATION '/marquee/clean/reviews/{{ batch_id }}/reviews'
