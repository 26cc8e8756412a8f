-- The number, mean and times of each user's ratings.
-- Parameters: batch_id, attempt.
-- Usage: after load_ratings.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.user_activity PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    user_id,
    COUNT(*) AS ratings,
    SUM(rating) / COUNT(*) AS mean_rating,
    MIN(rated_at) AS first_rated_at,
    MAX(rated_at) AS last_rated_at
FROM marquee_attempt.ratings
WHERE batch_id = '{{ batch_id }}-{{ attempt }}'
GROUP BY user_id
ORDER BY user_id
