-- Makes what recommend_top_n.py wrote readable as a partition of recommendations; the files stay where they are.
-- Parameters: batch_id.
-- Usage: after recommend_top_n.py. A rerun does no harm.
ALTER TABLE marquee.recommendations ADD IF NOT EXISTS PARTITION (batch_id = '{{ batch_id }}')
LOCATION '/marquee/warehouse/recommendations/batch_id={{ batch_id }}'
