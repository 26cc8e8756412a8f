-- Clean reviews with their label and their part of the split.
-- Parameters: none.
-- Usage: once before load_labelled_reviews.hql; does nothing where the table exists.
CREATE EXTERNAL TABLE IF NOT EXISTS marquee.labelled_reviews (
    source_file STRING COMMENT 'file of the raw snapshot',
    byte_offset BIGINT COMMENT 'bytes before the row in that file',
    corpus STRING COMMENT 'where the review comes from',
    corpus_file STRING COMMENT 'its file in the corpus',
    corpus_line INT COMMENT 'its line in that file',
    label INT COMMENT '1 positive, 0 negative',
    `language` STRING COMMENT 'en, ko or other',
    changes STRING COMMENT 'what cleaning took out, joined by |',
    part STRING COMMENT 'training, calibration, validation or test',
    text STRING COMMENT 'the review without HTML and control characters, on one line'
)
COMMENT 'Labelled reviews, one row of each'
PARTITIONED BY (batch_id STRING COMMENT 'UTC stamp of the run, YYYYMMDDTHHMMSS')
STORED AS ORC
LOCATION '/marquee/warehouse/labelled_reviews'
TBLPROPERTIES ('transactional' = 'false', 'orc.compress' = 'ZSTD')
