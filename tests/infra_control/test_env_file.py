"""`.env`, which people write by hand with any editor."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.control.given.env_file import read_env_file
from infra.control.given.errors import SettingsError

NAMES = {"MARQUEE_STATE", "MARQUEE_AIRFLOW_PASSWORD"}


def read(folder: Path, content: bytes) -> dict[str, str]:
    (folder / ".env").write_bytes(content)
    return read_env_file(folder / ".env", NAMES)


def refusal(folder: Path, content: bytes) -> str:
    with pytest.raises(SettingsError) as raised:
        read(folder, content)
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b"\xef\xbb\xbf# saved by Windows\r\nMARQUEE_STATE=/a\r\n", {"MARQUEE_STATE": "/a"}),
        (b"\xef\xbb\xbfMARQUEE_STATE=/a", {"MARQUEE_STATE": "/a"}),
        ("MARQUEE_STATE=/자료 # 한글\n".encode(), {"MARQUEE_STATE": "/자료"}),
        (b"  export\tMARQUEE_STATE = /a  \n", {"MARQUEE_STATE": "/a"}),
        (b"exporter=1\n", {"exporter": "1"}),
        (b"MARQUEE_STATE=\n", {"MARQUEE_STATE": ""}),
        (b"MARQUEE_STATE='/a # b' # c' d\n", {"MARQUEE_STATE": "/a # b"}),
        (b"MARQUEE_AIRFLOW_PASSWORD='a$b\\c\"d'\n", {"MARQUEE_AIRFLOW_PASSWORD": 'a$b\\c"d'}),
        (b'MARQUEE_AIRFLOW_PASSWORD="it\'s"\n', {"MARQUEE_AIRFLOW_PASSWORD": "it's"}),
        (b"MARQUEE_STATE=/a\t# a comment after a tab\n", {"MARQUEE_STATE": "/a"}),
        (b'OTHER=$HOME/x\nOTHER="unfinished\n', {"OTHER": '"unfinished'}),
        ("A=1 # next\u2028line\n".encode(), {"A": "1"}),
        (b"", {}),
    ],
)
def test_what_people_and_their_editors_write_is_read(tmp_path: Path, content: bytes, values: dict[str, str]) -> None:
    assert read(tmp_path, content) == values


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"A=1\nB=caf\xe9\n", ".env line 2 is not UTF-8, since it has the byte 0xE9. Save the file as UTF-8."),
        ("A=한글".encode("euc-kr"), ".env line 1 is not UTF-8, since it has the byte 0xC7. Save the file as UTF-8."),
        ("A=1\n".encode("utf-16"), ".env line 1 begins with the mark of UTF-16. Save the file as UTF-8."),
        (b"\xfe\xff\x00A", ".env line 1 begins with the mark of UTF-16. Save the file as UTF-8."),
        ("A=1\n".encode("utf-16-le"), ".env line 1 holds the control character '\\x00'. Remove it."),
        (b"A=1\nB=a\0b\n", ".env line 2 holds the control character '\\x00'. Remove it."),
        (b"A=1\rB=2\r", ".env line 1 holds the control character '\\r'. Remove it."),
        (b"A=\x1b[0m\n", ".env line 1 holds the control character '\\x1b'. Remove it."),
        (b"MARQUEE-STATE=1\n", ".env line 1 is not NAME=value: 'MARQUEE-STATE=1'. Correct or remove it."),
        (b"MARQUEE_STATE: /a\n", ".env line 1 is not NAME=value: 'MARQUEE_STATE: /a'. Correct or remove it."),
        ("\uff2dARQUEE=1".encode(), ".env line 1 is not NAME=value: '\uff2dARQUEE=1'. Correct or remove it."),
        (
            b"MARQUEE_STATE=/a\n\nMARQUEE_STATE=/b\n",
            ".env sets MARQUEE_STATE on lines 1 and 3. Remove one of them.",
        ),
        (
            b"MARQUEE_STATE=$HOME/x\n",
            ".env line 1: the value of MARQUEE_STATE has a $, and no variable is put in its place. "
            "Write the value itself, or put it in single quotes if the $ belongs to it.",
        ),
        (
            b'MARQUEE_AIRFLOW_PASSWORD="a$b"\n',  # pragma: allowlist secret
            ".env line 1: the value of MARQUEE_AIRFLOW_PASSWORD has a $ or a backslash in double quotes, "
            "which programs read differently. Put the value in single quotes.",
        ),
        (
            b"MARQUEE_STATE='/a\n",
            ".env line 1: the value of MARQUEE_STATE begins with a quote that does not end the value. "
            "Close it once, or leave the quotes out.",
        ),
        (
            b"MARQUEE_STATE= # later\n",
            ".env line 1: the value of MARQUEE_STATE begins with a #. "
            "Leave it empty, and put the comment on a line of its own.",
        ),
    ],
)
def test_what_programs_would_read_differently_is_refused_by_its_line(
    tmp_path: Path, content: bytes, message: str
) -> None:
    assert refusal(tmp_path, content) == message


def test_a_folder_or_a_link_to_nothing_is_not_taken_for_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    with pytest.raises(SettingsError, match=r"^\.env can't be read: Is a directory\. Make it a file that you may read"):
        read_env_file(tmp_path / ".env")
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(SettingsError, match=r"^link can't be read: No such file or directory\."):
        read_env_file(tmp_path / "link")
    assert read_env_file(tmp_path / "none") == {}


@given(st.binary(max_size=200))
def test_any_bytes_give_values_or_one_refusal(content: bytes) -> None:
    class File(type(Path())):  # type: ignore[misc]
        def read_bytes(self) -> bytes:
            return content

        def exists(self) -> bool:
            return True

    values: dict[str, str] = {}
    # Any other exception would be a trace.
    with contextlib.suppress(SettingsError):
        values = read_env_file(File("/.env"), NAMES)
    assert all(name.isidentifier() and "\n" not in value and "\0" not in value for name, value in values.items())
