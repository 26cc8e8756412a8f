-- How often and how well each movie is rated. The Bayesian mean adds the mean of all ratings ten times,
-- so that a movie with one five-star rating does not lead every list.
-- Parameters: batch_id, attempt.
-- Usage: after load_ratings.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.movie_statistics PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    by_movie.movie_id,
    by_movie.ratings,
    by_movie.rating_sum / by_movie.ratings AS mean_rating,
    (by_movie.rating_sum + 10 * overall.mean_rating) / (by_movie.ratings + 10) AS bayesian_mean,
    by_movie.first_rated_at,
    by_movie.last_rated_at
FROM (
    SELECT
        movie_id,
        COUNT(*) AS ratings,
        SUM(rating) AS rating_sum,
        MIN(rated_at) AS first_rated_at,
        MAX(rated_at) AS last_rated_at
    FROM marquee_attempt.ratings
    WHERE batch_id = '{{ batch_id }}-{{ attempt }}'
    GROUP BY movie_id
) AS by_movie
CROSS JOIN (
    SELECT SUM(rating) / COUNT(*) AS mean_rating
    FROM marquee_attempt.ratings
    WHERE batch_id = '{{ batch_id }}-{{ attempt }}'
) AS overall
ORDER BY movie_id -- noqa: RF02
