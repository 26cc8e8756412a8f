-- Counts the reviews of each source file by outcome, next to ingest's own count of the file.
-- Parameters: batch_id, attempt; files, a list from ingest's result: name and rows of each file of the snapshot.
-- Usage: after load_labelled_reviews.hql and load_review_quarantine.hql. Writes the try's own partition.
-- A file that only one side has keeps its row, with zeros for the other side, so that expectations/review_accounting.json fails.
INSERT OVERWRITE TABLE marquee_attempt.review_accounting PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    COALESCE(ingested.source_file, counted.source_file) AS source_file,
    COALESCE(ingested.rows_in, CAST(0 AS BIGINT)) AS rows_in,
    COALESCE(counted.rows_clean, CAST(0 AS BIGINT)) AS rows_clean,
    COALESCE(counted.rows_quarantined, CAST(0 AS BIGINT)) AS rows_quarantined,
    COALESCE(counted.rows_superseded, CAST(0 AS BIGINT)) AS rows_superseded
FROM (
    {% for file in files if file.role != 'documentation' %}
    {{ "UNION ALL" if not loop.first }}
    SELECT
        '{{ file.name }}' AS source_file,
        CAST({{ file.rows }} AS BIGINT) AS rows_in
    {% endfor %}
) AS ingested
FULL OUTER JOIN (
    SELECT
        source_file,
        SUM(IF(outcome = 'clean', CAST(1 AS BIGINT), CAST(0 AS BIGINT))) AS rows_clean,
        SUM(IF(outcome = 'quarantined', CAST(1 AS BIGINT), CAST(0 AS BIGINT))) AS rows_quarantined,
        SUM(IF(outcome = 'superseded', CAST(1 AS BIGINT), CAST(0 AS BIGINT))) AS rows_superseded
    FROM (
        SELECT
            source_file,
            'clean' AS outcome
        FROM marquee_attempt.labelled_reviews
        WHERE batch_id = '{{ batch_id }}-{{ attempt }}'
        UNION ALL
        SELECT
            source_file,
            outcome
        FROM marquee_attempt.review_quarantine
        WHERE batch_id = '{{ batch_id }}-{{ attempt }}'
    ) AS tagged
    GROUP BY source_file
) AS counted ON ingested.source_file = counted.source_file
ORDER BY source_file
