-- The hundred best movies of each genre by Bayesian mean; equal means are ordered by movie.
-- Parameters: batch_id, attempt.
-- Usage: after load_movie_genres.hql and load_movie_statistics.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.popular_by_genre PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    genre,
    place AS `rank`,
    movie_id,
    ratings,
    bayesian_mean
FROM (
    SELECT
        movie_genres.genre,
        movie_statistics.movie_id,
        movie_statistics.ratings,
        movie_statistics.bayesian_mean,
        ROW_NUMBER() OVER (
            PARTITION BY movie_genres.genre
            ORDER BY movie_statistics.bayesian_mean DESC, movie_statistics.movie_id ASC
        ) AS place
    FROM marquee_attempt.movie_genres
    INNER JOIN marquee_attempt.movie_statistics
        ON
            movie_genres.movie_id = movie_statistics.movie_id
            AND movie_genres.batch_id = movie_statistics.batch_id
    WHERE movie_genres.batch_id = '{{ batch_id }}-{{ attempt }}'
) AS placed
WHERE place <= 100
ORDER BY genre, `rank`
