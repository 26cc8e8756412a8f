"""Say which line of a mapping would repair the rows of a reason."""

from __future__ import annotations

import re

ADVICE = {
    "empty_line": "The line is empty. Remove such lines from the file, or leave them: they are counted.",
    "missing_fields": "The row has fewer fields than the others. Check `delimiter` and `quote` in [ratings].",
    "extra_fields": "The row has more fields than the others. Check `delimiter` and `quote` in [ratings].",
    "bad_quoting": 'Quotes do not fit. Write `quote = ""` if they are part of the text, or `escape = "backslash"`.',
    "not_in_encoding": "The row has bytes that the encoding lacks. Correct `encoding` in [ratings].",
    "bad_json": "The line is no JSON. Check whether the file is complete.",
    "no_json_object": "The line is JSON but no object. Check `shape` in [ratings].",
    "no_heading_before": "There is no `item:` line before the row. Check `shape` in [ratings].",
    "value_missing": "The row has no value. Map another column as `value` in [ratings.columns], or leave such rows.",
    "value_not_number": 'The value is no number. Check `value` in [ratings.columns], or write `decimal = ","` in [values].',
    "value_outside_scale": "The value is outside the scale. Correct `lowest` and `highest` in [values], or add it to `seen`.",
    "value_between_steps": "The value is between two steps. Correct `step` in [values]; 0 allows any.",
    "value_below_zero": "A strength is never below zero. Add the value to `seen` in [values].",
    "time_missing": "The row has no time. Remove `time` from [ratings.columns] if the file has no times.",
    "time_not_number": 'The time is no number. Write `unit = "iso"` in [time], or a pattern such as %d.%m.%Y.',
    "time_not_readable": "The time has another form. Correct `unit` in [time].",
    "time_out_of_range": "The time is out of range. Correct `unit` in [time], such as milliseconds.",
    "event_missing": "The row has no event. Check `event` in [ratings.columns].",
    "event_unknown": "The event has no weight. Add its name to [events].",
}
OF_IDS = {
    "missing": "The row has no {role}. Check `{role}` in [ratings.columns], or leave such rows.",
    "not_integer": 'The {role} is no whole number. Write `{role} = "text"` in [ids].',
    "out_of_range": 'The {role} is no whole number up to 2^63-1. Write `{role} = "text"` in [ids].',
    "too_long": "The {role} has over 256 bytes. Map another column as `{role}` in [ratings.columns].",
    "has_control_character": "The {role} has a control character. Check `delimiter` and `quote` in [ratings].",
}


def advice_for(reason: str) -> str:
    """Return what a person can do about rows of a reason."""
    if reason in ADVICE:
        return ADVICE[reason]
    if match := re.fullmatch(r"(user|item)_(\w+)", reason):
        return OF_IDS[match[2]].format(role=match[1])
    return "docs/own-data.md describes each reason."
