-- Loads the rejected rows of staging_reviews, and the clean ones that a test text supersedes.
-- Parameters: batch_id, attempt.
-- Usage: after load_staging_reviews.hql and load_staging_review_parts.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.review_quarantine PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    source_file,
    byte_offset,
    outcome,
    reason,
    text,
    raw_line
FROM (
    SELECT
        source_file,
        byte_offset,
        outcome,
        reason,
        CAST(NULL AS STRING) AS text,
        raw_line
    FROM marquee.staging_reviews
    WHERE batch_id = '{{ batch_id }}' AND outcome = 'quarantined'
    UNION ALL
    SELECT
        staging_reviews.source_file,
        staging_reviews.byte_offset,
        'superseded' AS outcome,
        staging_review_parts.reason,
        staging_reviews.text,
        CAST(NULL AS STRING) AS raw_line
    FROM marquee.staging_reviews
    INNER JOIN marquee.staging_review_parts
        ON
            staging_reviews.source_file = staging_review_parts.source_file
            AND staging_reviews.byte_offset = staging_review_parts.byte_offset
    WHERE
        staging_reviews.batch_id = '{{ batch_id }}'
        AND staging_review_parts.batch_id = '{{ batch_id }}'
        AND staging_review_parts.reason IS NOT NULL
) AS rejected
ORDER BY source_file, byte_offset
