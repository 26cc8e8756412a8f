-- Ratings, users and movies of each calendar year (UTC).
-- Parameters: batch_id.
-- Usage: after load_ratings.hql. Replaces the batch's attempt; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.ratings_by_year PARTITION (batch_id = '{{ batch_id }}')
SELECT
    rating_year,
    COUNT(*) AS ratings,
    COUNT(DISTINCT user_id) AS users,
    COUNT(DISTINCT movie_id) AS movies,
    SUM(rating) / COUNT(*) AS mean_rating
FROM (
    SELECT
        user_id,
        movie_id,
        rating,
        YEAR(DATE_ADD(CAST('1970-01-01' AS DATE), CAST(FLOOR(rated_at / 86400) AS INT))) AS rating_year
    FROM marquee_attempt.ratings
    WHERE batch_id = '{{ batch_id }}'
) AS dated
GROUP BY rating_year
ORDER BY rating_year
