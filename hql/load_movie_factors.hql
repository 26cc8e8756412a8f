-- Makes what recommend_top_n.py wrote readable as a partition of movie_factors; the files stay where they are.
-- Parameters: batch_id.
-- Usage: after recommend_top_n.py. A rerun does no harm.
ALTER TABLE marquee.movie_factors ADD IF NOT EXISTS PARTITION (batch_id = '{{ batch_id }}')
LOCATION '/marquee/warehouse/movie_factors/batch_id={{ batch_id }}'
