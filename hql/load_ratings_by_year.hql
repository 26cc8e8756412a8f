-- Ratings, users and movies of each calendar year (UTC). Two steps each, since Hive counts distinct values in one reducer.
-- Parameters: batch_id, attempt.
-- Usage: after load_ratings.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
WITH dated AS (
    SELECT
        user_id,
        movie_id,
        rating,
        YEAR(DATE_ADD(CAST('1970-01-01' AS DATE), CAST(FLOOR(rated_at / 86400) AS INT))) AS rating_year
    FROM marquee_attempt.ratings
    WHERE batch_id = '{{ batch_id }}-{{ attempt }}'
)

INSERT OVERWRITE TABLE marquee_attempt.ratings_by_year PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    by_movie.rating_year,
    by_movie.ratings,
    by_user.users,
    by_movie.movies,
    by_movie.rating_sum / by_movie.ratings AS mean_rating
FROM (
    SELECT
        rating_year,
        SUM(ratings) AS ratings,
        COUNT(*) AS movies,
        SUM(rating_sum) AS rating_sum
    FROM (
        SELECT
            rating_year,
            movie_id,
            COUNT(*) AS ratings,
            SUM(rating) AS rating_sum
        FROM dated
        GROUP BY rating_year, movie_id
    ) AS movie_years
    GROUP BY rating_year
) AS by_movie
INNER JOIN (
    SELECT
        rating_year,
        COUNT(*) AS users
    FROM (
        SELECT DISTINCT
            rating_year,
            user_id
        FROM dated
    ) AS user_years
    GROUP BY rating_year
) AS by_user ON by_movie.rating_year = by_user.rating_year
ORDER BY by_movie.rating_year
