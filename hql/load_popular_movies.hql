-- Makes what recommend_top_n.py wrote readable as a partition of popular_movies; the files stay where they are.
-- Parameters: batch_id.
-- Usage: after recommend_top_n.py. A rerun does no harm.
ALTER TABLE marquee.popular_movies ADD IF NOT EXISTS PARTITION (batch_id = '{{ batch_id }}')
LOCATION '/marquee/warehouse/popular_movies/batch_id={{ batch_id }}'
