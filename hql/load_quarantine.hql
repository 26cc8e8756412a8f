-- Loads the rejected rows of all staging tables.
-- Parameters: batch_id.
-- Usage: after load_staging_ratings.hql and load_staging_movies.hql. Replaces the batch's partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee.quarantine PARTITION (batch_id = '{{ batch_id }}')
SELECT
    rejected.source_file,
    rejected.byte_offset,
    rejected.reason,
    rejected.raw_line
FROM (
    SELECT
        source_file,
        byte_offset,
        reason,
        raw_line
    FROM marquee.staging_ratings
    WHERE batch_id = '{{ batch_id }}' AND outcome = 'quarantined'
    UNION ALL
    SELECT
        source_file,
        byte_offset,
        reason,
        raw_line
    FROM marquee.staging_movies
    WHERE batch_id = '{{ batch_id }}' AND outcome = 'quarantined'
) AS rejected
ORDER BY source_file, byte_offset
