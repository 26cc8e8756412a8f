-- The genres of each movie, one row each.
-- Parameters: batch_id, attempt.
-- Usage: after load_movies.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.movie_genres PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    movies.movie_id,
    exploded.genre
FROM
    marquee_attempt.movies
        LATERAL VIEW EXPLODE(SPLIT(movies.genres, '[|]')) exploded AS genre
WHERE movies.batch_id = '{{ batch_id }}-{{ attempt }}' AND movies.genres != ''
ORDER BY movie_id, genre
