-- Loads the clean rows of staging_reviews that no test text supersedes.
-- Parameters: batch_id, attempt.
-- Usage: after load_staging_reviews.hql and load_staging_review_parts.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.labelled_reviews PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    source_file,
    byte_offset,
    corpus,
    corpus_file,
    corpus_line,
    label,
    `language`,
    changes,
    part,
    text
FROM (
    SELECT
        staging_reviews.source_file,
        staging_reviews.byte_offset,
        staging_reviews.corpus,
        staging_reviews.corpus_file,
        staging_reviews.corpus_line,
        staging_reviews.label,
        staging_reviews.`language`,
        staging_reviews.changes,
        staging_review_parts.part,
        staging_reviews.text
    FROM marquee.staging_reviews
    INNER JOIN marquee.staging_review_parts
        ON
            staging_reviews.source_file = staging_review_parts.source_file
            AND staging_reviews.byte_offset = staging_review_parts.byte_offset
    WHERE
        staging_reviews.batch_id = '{{ batch_id }}'
        AND staging_review_parts.batch_id = '{{ batch_id }}'
        AND staging_reviews.outcome = 'clean'
        AND staging_review_parts.part IS NOT NULL
) AS parted
ORDER BY source_file, byte_offset
