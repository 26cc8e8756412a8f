-- Mean rating of each movie in each calendar year (UTC).
-- Parameters: batch_id, attempt.
-- Usage: after load_ratings.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.movie_ratings_by_year PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    movie_id,
    rating_year,
    COUNT(*) AS ratings,
    SUM(rating) / COUNT(*) AS mean_rating
FROM (
    SELECT
        movie_id,
        rating,
        YEAR(DATE_ADD(CAST('1970-01-01' AS DATE), CAST(FLOOR(rated_at / 86400) AS INT))) AS rating_year
    FROM marquee_attempt.ratings
    WHERE batch_id = '{{ batch_id }}-{{ attempt }}'
) AS dated
GROUP BY movie_id, rating_year
ORDER BY movie_id, rating_year
