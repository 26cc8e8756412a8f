-- Loads the clean rows of staging_users.
-- Parameters: batch_id, attempt.
-- Usage: after load_staging_users.hql. Writes the try's own partition; the total order makes one file with the same bytes each time.
INSERT OVERWRITE TABLE marquee_attempt.users PARTITION (batch_id = '{{ batch_id }}-{{ attempt }}')
SELECT
    user_id,
    gender,
    age,
    occupation,
    zip_code
FROM marquee.staging_users
WHERE batch_id = '{{ batch_id }}' AND outcome = 'clean'
ORDER BY user_id
