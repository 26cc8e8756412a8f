"""A caller's shell holds variables of other programs, and the platform's processes do not get them."""

import json
import os
import pwd
import subprocess
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from infra.control.ambient import download_settings, for_downloads, left_out, maven_proxy, passed_on
from infra.control.install import InstallError, _run
from infra.control.rendering import render
from infra.control.settings import REPOSITORY, Settings
from infra.control.variables import environment, process_environment
from infra.pipeline.http_json import request_json
from tests.infra_control.rubbish import RUBBISH
from tests.local_server import local_server

USER = pwd.getpwuid(os.getuid()).pw_name
PRINT_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def settings(tmp_path: Path, **environ: str) -> Settings:
    return Settings.load(tmp_path / ".env", {"MARQUEE_STATE": str(tmp_path / "state"), **environ})


def executed(tmp_path: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Runs a command by `infra.control exec`, as the Makefile does, in a shell with these variables alone."""
    control = [sys.executable, "-X", "utf8", "-Es", "-m", "infra.control", "exec", "--", *command]
    given = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MARQUEE_STATE": str(tmp_path / "state"), **environ}
    return subprocess.run(control, cwd=REPOSITORY, env=given, capture_output=True, text=True, check=False)


def variables_of(tmp_path: Path, **environ: str) -> dict[str, str]:
    ended = executed(tmp_path, "/usr/bin/env", "-0", **environ)
    assert (ended.returncode, ended.stderr) == (0, "")
    return dict(line.split("=", 1) for line in ended.stdout.split("\0") if line)


def test_a_shell_full_of_other_programs_variables_changes_nothing_but_the_proxies(tmp_path: Path) -> None:
    plain, changed = variables_of(tmp_path), variables_of(tmp_path, **RUBBISH)
    proxies = {name: value for name, value in changed.items() if name.lower().endswith("_proxy")}
    assert {name: value for name, value in changed.items() if name not in proxies} == {
        name: value for name, value in plain.items() if name.lower() != "no_proxy"
    }
    assert {name: proxies[name] for name in ("http_proxy", "HTTPS_PROXY", "all_proxy")} == dict.fromkeys(
        ("http_proxy", "HTTPS_PROXY", "all_proxy"), "http://127.0.0.1:9"
    )
    assert proxies["no_proxy"] == proxies["NO_PROXY"] == plain["no_proxy"]


@pytest.mark.parametrize("name", sorted(RUBBISH))
def test_each_of_them_alone_reaches_no_program_of_the_platform(tmp_path: Path, name: str) -> None:
    chosen = settings(tmp_path)
    given = {"PATH": "/usr/bin", "HOME": str(tmp_path)}
    passed = passed_on(chosen, given | {name: RUBBISH[name]})
    if name.lower().endswith("_proxy"):
        assert passed[name.lower()] == passed[name.upper()] == RUBBISH[name]
    else:
        assert passed == passed_on(chosen, given)


@pytest.mark.parametrize("name", sorted(RUBBISH))
def test_each_of_them_alone_reaches_no_installing_program_unless_it_says_where_packages_are(
    tmp_path: Path, name: str
) -> None:
    chosen = settings(tmp_path)
    passed = for_downloads(chosen, {"PATH": "/usr/bin", "HOME": str(tmp_path), name: RUBBISH[name]})
    assert (passed["LC_ALL"], passed["USER"]) == ("C.UTF-8", USER)
    assert RUBBISH[name] not in passed.values() or name.lower().endswith("_proxy")


def test_programs_get_a_locale_a_time_zone_and_a_user_that_exist(tmp_path: Path) -> None:
    found = variables_of(tmp_path, **RUBBISH)
    wanted = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TZ": "UTC", "USER": USER, "LOGNAME": USER, "MARQUEE_USER": USER}
    assert {name: found[name] for name in wanted} == wanted
    assert found["TERM"] == "dumb" if "TERM" in found else True


def test_bash_java_and_python_write_nothing_to_standard_error(tmp_path: Path) -> None:
    for command in (["bash", "-c", "true"], ["sh", "-c", "java --version"], [sys.executable, "-c", "pass"]):
        ended = executed(tmp_path, *command, **RUBBISH)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_terminal_and_a_machines_certificates_are_passed_on(tmp_path: Path) -> None:
    given = {"TERM": "xterm", "NO_COLOR": "1", "SSL_CERT_FILE": "/etc/own.pem"}
    assert given.items() <= variables_of(tmp_path, **given).items()


def test_the_platforms_hosts_are_never_asked_through_a_proxy(tmp_path: Path) -> None:
    chosen = settings(tmp_path, MARQUEE_HOSTS="namenode=nn.example.org mlflow", MARQUEE_BIND_HOST="10.0.0.5")
    spared = passed_on(chosen, {"NO_PROXY": ".corp.example"})["no_proxy"].split(",")
    assert {"localhost", "127.0.0.1", "::1", "10.0.0.5", "nn.example.org", "mlflow", ".corp.example"} <= set(spared)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"HTTPS_PROXY": "http://big:1"}, "http://big:1"),
        ({"https_proxy": "http://small:1"}, "http://small:1"),
        ({"https_proxy": "http://small:1", "HTTPS_PROXY": "http://big:1"}, "http://small:1"),
        ({"https_proxy": "", "HTTPS_PROXY": "http://big:1"}, None),
        ({"https_proxy": "http://small:1", "no_proxy": "*"}, None),
        ({"https_proxy": "http://small:1", "no_proxy": "*,localhost"}, None),
    ],
)
def test_a_proxy_is_passed_on_in_both_spellings(tmp_path: Path, given: dict[str, str], expected: str | None) -> None:
    passed = passed_on(settings(tmp_path), given)
    assert (passed.get("https_proxy"), passed.get("HTTPS_PROXY")) == (expected, expected)


def test_our_own_requests_take_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"found": 1}')

        def log_message(self, *_: object) -> None:
            pass

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    with local_server(Answer) as address:
        assert request_json("GET", address) == {"found": 1}
        # In processes of their own, since urllib reads the proxies once.
        for ask in (
            "from infra.control.status import _get; print(_get({address!r}).decode())",
            "from infra.services.hadoop.wait_for_hdfs import DIRECTLY; print(DIRECTLY.open({address!r}).read().decode())",
        ):
            program = ask.format(address=address)
            printed = subprocess.check_output([sys.executable, "-c", program], cwd=REPOSITORY, text=True)
            assert json.loads(printed) == {"found": 1}


@pytest.mark.parametrize("home", [None, "", "nowhere", "/nowhere", "/etc/hostname"])
def test_a_home_that_cannot_be_written_to_is_replaced(tmp_path: Path, home: str | None) -> None:
    chosen = settings(tmp_path)
    passed = for_downloads(chosen, {} if home is None else {"HOME": home})
    own = str(chosen.instance / "home")
    assert (passed["HOME"], passed["MAVEN_OPTS"]) == (own, f"-Duser.home={own}")
    assert Path(own).is_dir()


def test_a_home_that_can_be_written_to_stays(tmp_path: Path) -> None:
    passed = for_downloads(settings(tmp_path), {"HOME": str(tmp_path)})
    assert passed["HOME"] == str(tmp_path)
    assert "MAVEN_OPTS" not in passed


def test_downloads_keep_what_says_where_packages_are_and_drop_what_changes_the_installation(tmp_path: Path) -> None:
    kept = {
        "PIP_INDEX_URL": "https://index.example/simple",
        "PIP_CERT": "/etc/own.pem",
        "UV_DEFAULT_INDEX": "https://index.example/simple",
        "UV_CACHE_DIR": "/cache",
        "MAVEN_OPTS": "-Dhttps.proxyHost=proxy",
        "npm_config_registry": "https://index.example/npm",
        "https_proxy": "http://proxy.example:3128",
        "TMPDIR": str(tmp_path),
    }
    dropped = {"PIP_TARGET": "/x", "PIP_USER": "1", "UV_PYTHON": "3.9", "VIRTUAL_ENV": "/x", "npm_config_prefix": "/x"}
    passed = for_downloads(settings(tmp_path), {"HOME": str(tmp_path)} | kept | dropped)
    assert kept.items() <= passed.items()
    assert dropped.keys() & passed.keys() == set()
    assert download_settings(passed) == sorted(kept.keys() - {"TMPDIR"})


def test_a_download_that_fails_names_the_variables_that_had_a_part_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    for name, value in RUBBISH.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")
    chosen = settings(tmp_path)
    chosen.state.mkdir()
    with pytest.raises(InstallError) as raised:
        _run(chosen, "a thing", ["/bin/false"])
    assert str(raised.value).endswith(
        "Variables of your shell had a part in it: PIP_INDEX_URL, all_proxy, http_proxy, https_proxy. Check them."
    )


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, []),
        (
            {"https_proxy": "http://user:word@proxy.example:3128/", "no_proxy": "localhost,.corp.example"},
            [
                *("-Dhttps.proxyHost=proxy.example", "-Dhttps.proxyPort=3128"),
                *("-Dhttp.nonProxyHosts=localhost|*.corp.example", "-Daether.connector.http.useSystemProperties=true"),
            ],
        ),
        ({"https_proxy": "socks5://proxy.example:1080"}, []),
        ({"https_proxy": "rubbish"}, []),
    ],
)
def test_maven_gets_the_proxy_as_options(variables: dict[str, str], expected: list[str]) -> None:
    assert maven_proxy(variables) == expected


def test_one_line_names_the_variables_that_were_left_out(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    variables = process_environment(chosen)
    given = {"JAVA_TOOL_OPTIONS": "-Dx=1", "PGHOST": "elsewhere", "AIRFLOW__CORE__EXECUTOR": "Rubbish", "EDITOR": "vi"}
    assert left_out(variables, given) == (
        "These variables of your shell do not reach the platform's programs: AIRFLOW__CORE__EXECUTOR, JAVA_TOOL_OPTIONS, "
        "PGHOST. What can be set is in .env.example."
    )
    assert left_out(variables, {"EDITOR": "vi", "JAVA_HOME": "/jdk"}) == ""
    assert left_out(variables, variables) == "", "a shell that has read env.sh holds the platform's own values"


def test_env_sh_makes_a_shell_forget_what_would_steer_the_commands(tmp_path: Path) -> None:
    chosen = settings(tmp_path)
    render(chosen, environment(chosen))
    printed = subprocess.run(
        ["bash", "-c", f'. "$1"; exec {sys.executable} -ISc "{PRINT_ENVIRONMENT}"', "-", chosen.instance / "env.sh"],
        env={"PATH": "/usr/bin:/bin", "NO_PROXY": "a", "no_proxy": ".corp.example"}
        | {"JAVA_TOOL_OPTIONS": "-Dx=1", "PYTHONHOME": "/x"},
        capture_output=True,
        check=True,
    ).stdout
    found = json.loads(printed)
    assert {"JAVA_TOOL_OPTIONS", "PYTHONHOME"} & found.keys() == set()
    assert found["LC_ALL"] == "C.UTF-8"
    assert found["no_proxy"] == found["NO_PROXY"]
    assert found["no_proxy"].startswith("localhost,127.0.0.1,::1,")
    assert found["no_proxy"].endswith(",.corp.example")


def test_files_are_readable_for_other_users_whatever_the_shells_umask_is(tmp_path: Path) -> None:
    command = f'umask 077; exec {sys.executable} -Es -m infra.control exec -- sh -c "umask"'
    printed = subprocess.run(
        ["sh", "-c", command],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "MARQUEE_STATE": str(tmp_path / "state")},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert printed == "0022\n"
    secrets = tmp_path / "state" / "instances" / "default" / "secrets"
    assert {file.stat().st_mode & 0o777 for file in secrets.iterdir()} == {0o600}


def test_a_login_in_the_callers_netrc_is_not_sent_to_the_platform(tmp_path: Path) -> None:
    (tmp_path / ".netrc").write_text(
        "default login other password word\n", encoding="ascii"
    )  # pragma: allowlist secret
    (tmp_path / ".netrc").chmod(0o600)
    program = "import requests.utils as u; print(u.get_netrc_auth('http://127.0.0.1:8080'))"
    printed = executed(tmp_path, sys.executable, "-c", program)
    assert (printed.returncode, printed.stdout) == (0, "None\n"), printed.stderr


def test_an_image_s_build_compiles_python_files_without_their_times(tmp_path: Path) -> None:
    asked = {"SOURCE_DATE_EPOCH": "1767225600", "PYC_INVALIDATION_MODE": "CHECKED_HASH"}
    assert asked.items() <= for_downloads(settings(tmp_path), {"HOME": str(tmp_path)} | asked).items()
    assert not asked.keys() & passed_on(settings(tmp_path), {"HOME": str(tmp_path)} | asked).keys()
