-- What the sentiment model says of the reviews of each movie, by month and in all (month = 'all').
-- Parameters: batch_id, attempt.
-- Usage: after the partition of scored_reviews is added. Writes the try's own partition; the total order makes one file with the same bytes each time.
-- A sum of decimals does not depend on the order in which rows arrive, as a sum of doubles would.
INSERT OVERWRITE TABLE marquee_attempt.movie_sentiment PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    movie_id,
    COALESCE(month, 'all') AS month,
    COUNT(*) AS reviews,
    CAST(SUM(CAST(probability AS DECIMAL(19, 17))) AS DOUBLE) / COUNT(*) AS mean_probability,
    SUM(CASE WHEN label = 'positive' THEN 1 ELSE 0 END) / COUNT(*) AS share_positive
FROM marquee.scored_reviews
WHERE batch_id = '{{ batch_id }}'
GROUP BY movie_id, month GROUPING SETS ((movie_id, month), (movie_id))
ORDER BY movie_id, month
