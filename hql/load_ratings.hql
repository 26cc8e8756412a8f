-- Loads the clean rows of staging_ratings. Own data has marks there, without stars, of what a user only saw.
-- Parameters: batch_id, attempt.
-- Usage: after load_staging_ratings.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.ratings PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    user_id,
    movie_id,
    rating,
    rated_at
FROM marquee.staging_ratings
WHERE batch_id = '{{ batch_id }}' AND outcome = 'clean' AND rating > 0
ORDER BY user_id, movie_id
