"""Clean a users file on YARN; tag each row clean, quarantined or superseded.

    python mr_jobs/mr_clean_users.py -r hadoop hdfs:///marquee/raw/D/B/users.dat \
        --output-dir hdfs:///marquee/clean/D/B/users --layout double_colon

Output columns: outcome, source_file, byte_offset, user_id, gender, age, occupation, zip_code, reason, raw_line. A
field that the source leaves empty is NULL. ml-1m's age is the least age of a bracket (1: under 18, 18, 25, 35, 45,
50, 56). Its occupation is a number, which the job replaces by the name. ml-100k has years and names. Of several rows
of one user, the last one in the source wins.
"""

from __future__ import annotations

from cleaning_job import NULL, CleaningJob
from field_rules import decode_text, name_occupation, parse_age, parse_gender, parse_id, split_fields


class MRCleanUsers(CleaningJob):
    """Tag user rows; key: user, precedence: position in the source."""

    columns = 5

    def parse(self, line: bytes) -> tuple[bytes, bytes, bytes]:
        """Return user, 0 (position decides), the other columns; raise RejectedRowError.

        These are gender, age, occupation, zip_code.
        """
        layout, encoding = self.options.layout, self.options.encoding
        if layout == "tab":  # u.user: pipes, and age before gender
            user_field, age, gender, occupation, zip_code = split_fields(line, b"|", 5)
        else:
            user_field, gender, age, occupation, zip_code = split_fields(line, self.delimiter, 5)
        user = parse_id(user_field, "user_id")
        rest = (
            parse_gender(gender),
            parse_age(age),
            name_occupation(decode_text(occupation, layout, encoding)).encode(),
            decode_text(zip_code, layout, encoding).encode(),
        )
        return b"%d" % user, b"0", b"\t".join(field or NULL for field in rest)

    @staticmethod
    def join_columns(key: bytes, precedence: bytes, rest: bytes) -> bytes:
        """Return user_id, gender, age, occupation, zip_code."""
        return b"%b\t%b" % (key, rest)


if __name__ == "__main__":
    MRCleanUsers.run()
