-- Loads the clean rows of staging_tags.
-- Parameters: batch_id, attempt.
-- Usage: after load_staging_tags.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.tags PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    user_id,
    movie_id,
    tag,
    tagged_at
FROM marquee.staging_tags
WHERE batch_id = '{{ batch_id }}' AND outcome = 'clean'
ORDER BY user_id, movie_id, tag
