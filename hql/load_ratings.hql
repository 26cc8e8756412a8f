-- Loads the clean rows of staging_ratings.
-- Parameters: batch_id.
-- Usage: after load_staging_ratings.hql. Replaces the batch's attempt; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.ratings PARTITION (batch_id = '{{ batch_id }}')
SELECT
    user_id,
    movie_id,
    rating,
    rated_at
FROM marquee.staging_ratings
WHERE batch_id = '{{ batch_id }}' AND outcome = 'clean'
ORDER BY user_id, movie_id
