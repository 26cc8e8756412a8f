-- Loads the clean rows of staging_movies.
-- Parameters: batch_id, attempt.
-- Usage: after load_staging_movies.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.movies PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    movie_id,
    title,
    release_year,
    genres
FROM marquee.staging_movies
WHERE batch_id = '{{ batch_id }}' AND outcome = 'clean'
ORDER BY movie_id
