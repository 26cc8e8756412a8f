-- Loads the clean rows of staging_links.
-- Parameters: batch_id, attempt.
-- Usage: after load_staging_links.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.links PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    movie_id,
    imdb_id,
    tmdb_id
FROM marquee.staging_links
WHERE batch_id = '{{ batch_id }}' AND outcome = 'clean'
ORDER BY movie_id
