-- Loads the rejected rows of all staging tables.
-- Parameters: batch_id, attempt; layout, from ingest's result: its keys are the data set's parts.
-- Usage: after every load_staging_<part>.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.quarantine PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    source_file,
    byte_offset,
    reason,
    raw_line
FROM (
    {% for part in layout | sort %}
    {{ "UNION ALL" if not loop.first }}
    SELECT
        source_file,
        byte_offset,
        reason,
        raw_line
    FROM marquee.staging_{{ part }}
    WHERE batch_id = '{{ batch_id }}' AND outcome = 'quarantined'
    {% endfor %}
) AS rejected
ORDER BY source_file, byte_offset
