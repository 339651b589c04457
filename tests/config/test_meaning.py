"""What settings mean together: owners of ports, defaults, the environment of processes, pools."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.config import config_from_mapping
from rpx.model.config import HealthCheck, ProcessEntry, ProxyEntry, Restart, Start, Sticky
from rpx.model.late import mark
from rpx.model.ports import Ports
from rpx.model.specs import endpoints_of, processes_of
from rpx.policy.plan import plan_backends, routes_only
from tests.config.support import load, refused


def proxy_of(folder: Path, text: str, dotenv: str | None = None, **environ: str) -> ProxyEntry:
    (proxy,) = load(folder, text, dotenv, environ).config.proxies
    return proxy


def starts(proxy: ProxyEntry) -> list[Start | None]:
    return [source.start for source in proxy.sources]


def test_start_runs_one_process_per_address(tmp_path: Path) -> None:
    first, second = starts(proxy_of(tmp_path, "{from: [3000, 3001], to: a, start: ./a}"))
    assert first is not None
    assert first == second


def test_a_start_of_its_own_replaces_that_of_the_proxy(tmp_path: Path) -> None:
    text = (
        "{from: [3000, {address: 3001, start: [./b]}], to: a, start: {command: ./a, env: {X: 1}}}"
    )
    first, second = starts(proxy_of(tmp_path, text))
    assert first is not None
    assert second is not None
    assert (first.command, second.command, second.env) == ("./a", ("./b",), {})


def test_the_port_in_env_gives_the_process_one_address(tmp_path: Path) -> None:
    text = "{from: [3000, 3001, 3002], to: a, start: {command: ./a, env: [PORT=3001]}}"
    assert [start is not None for start in starts(proxy_of(tmp_path, text))] == [False, True, False]


def test_an_address_of_this_machine_is_served_before_one_of_another(tmp_path: Path) -> None:
    text = "{from: ['10.0.0.1:3000', 3000], to: a, start: {command: ./a, env: {PORT: 3000}}}"
    assert [start is not None for start in starts(proxy_of(tmp_path, text))] == [False, True]


def test_a_port_that_env_unsets_owns_nothing(tmp_path: Path) -> None:
    text = "{from: [3000, 3001], to: a, start: {command: ./a, env: {PORT: null}}}"
    assert all(starts(proxy_of(tmp_path, text)))


def test_a_port_in_dotenv_does_not_make_an_owner(tmp_path: Path) -> None:
    text = "{from: [3000, 3001], to: a, start: ./a}"
    first, second = starts(proxy_of(tmp_path, text, "PORT=3000\nKEY=k\n"))
    assert first is not None
    assert first == second
    assert first.env == {"KEY": "k"}


def test_dotenv_lies_under_env_and_the_environment_over_it(tmp_path: Path) -> None:
    text = "processes: {w: {command: ./w, env: {A: file}}, v: ./v}"
    dotenv = "A=dot\nB=dot\nC=dot\nPORT=1\n"
    worker, other = load(tmp_path, text, dotenv, {"C": "shell"}).config.processes
    assert worker.start.env == {"A": "file", "B": "dot", "PORT": "1"}
    assert other.start.env == {"A": "dot", "B": "dot", "PORT": "1"}


def test_dotenv_fills_in_what_the_environment_lacks(tmp_path: Path) -> None:
    proxy = proxy_of(tmp_path, "{from: $P, to: $H}", "P=3000\nH=dot\n", H="shell")
    assert (proxy.to, proxy.sources[0].address.port) == ("shell", 3000)


def test_a_folder_called_dotenv_is_no_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert proxy_of(tmp_path, "{from: 3000, to: a}").name == "a"


def test_an_unset_variable_is_warned_of_once_with_its_place(tmp_path: Path) -> None:
    text = """\
        from: 3000
        to: a$NONE
        start: {command: $NONE, env: {A: $NONE, B: $OTHER}}
    """
    written = load(tmp_path, text)
    assert written.config.proxies[0].to == "a"
    assert written.warnings == [
        f"`NONE` is not set; an empty text stands in its place ({tmp_path}/rpx.yaml:2:5)",
        f"`OTHER` is not set; an empty text stands in its place ({tmp_path}/rpx.yaml:3:44)",
    ]
    start = written.config.proxies[0].sources[0].start
    assert start is not None
    assert (start.command, start.env) == ("$NONE", {"A": "", "B": ""})


def test_a_quoted_variable_stays_a_text(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path, """{from: 3000, to: a, verbose: "${V:-true}"}""")
    assert problem.what == "`verbose` is not true or false: `true`"


def test_a_port_may_stand_in_quotes_because_a_flow_mapping_needs_them(tmp_path: Path) -> None:
    text = """{from: 3000, to: a, listen: {http_port: "${P:-8080}"}}"""
    assert load(tmp_path, text).config.listen.http_port == 8080


def test_mistakes_in_dotenv_come_after_those_of_the_file(tmp_path: Path) -> None:
    problems = refused(tmp_path, "{from: 3000, to: a, foo: 1}", "bad line\nworse line\n")
    assert [problem.where.rsplit("/", 1)[1] for problem in problems] == [
        "rpx.yaml:1:21",
        ".env:1:1",
        ".env:2:1",
    ]


def test_the_project_is_called_like_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "My shop (2)"
    folder.mkdir()
    assert load(folder, "{from: 3000, to: a}").config.name == "My-shop-2"


def test_defaults_fill_in_what_a_proxy_leaves_out(tmp_path: Path) -> None:
    text = """\
        x-b: &b {command: ./b, restart: no}
        defaults: {health_check: {path: /h, interval: 1s}, hold: 3, restart: always}
        proxies:
          - {to: a, from: 3000, start: ./a}
          - {to: b, from: 3001, health_check: {path: /b}, hold: 0, start: *b}
          - {to: c, from: 3002, health_check: false}
          - {to: d, from: 3003, health_check: true}
        processes: {w: ./w}
    """
    config = load(tmp_path, text).config
    a, b, c, d = config.proxies
    assert a.health_check == d.health_check == HealthCheck(path="/h", interval=1.0)
    assert b.health_check == HealthCheck(path="/b", interval=1.0)
    assert c.health_check is None
    assert [proxy.pool.hold for proxy in config.proxies] == [3.0, 0.0, 3.0, 3.0]
    first, second = a.sources[0].start, b.sources[0].start
    assert first is not None
    assert second is not None
    assert (first.restart, second.restart) == (Restart(policy="always"), Restart(policy="no"))
    assert config.processes == (ProcessEntry(name="w", start=config.processes[0].start),)
    assert config.processes[0].start.restart == Restart(policy="always")


def test_a_check_of_its_own_counts_where_checks_are_off_by_default(tmp_path: Path) -> None:
    text = "{defaults: {health_check: false}, from: 3000, to: a, health_check: {path: /h}}"
    assert proxy_of(tmp_path, text).health_check == HealthCheck(path="/h")


@pytest.mark.parametrize("health_check", ["false", "{enabled: false, path: /h}"])
def test_a_check_can_be_switched_off(tmp_path: Path, health_check: str) -> None:
    text = f"{{from: 3000, to: a, health_check: {health_check}}}"
    assert proxy_of(tmp_path, text).health_check is None


def test_stickiness_is_switched_described_and_inherited(tmp_path: Path) -> None:
    text = """\
        defaults: {sticky: {ttl: 10m, cookie: who}}
        proxies:
          - {to: a, from: 3000}
          - {to: b, from: 3001, sticky: {ttl: 60}}
          - {to: c, from: 3002, sticky: false}
          - {to: d, from: 3003, sticky: {enabled: false, cookie: x}}
    """
    a, b, c, d = load(tmp_path, text).config.proxies
    assert a.pool.sticky == Sticky(cookie="who", ttl=600)
    assert b.pool.sticky == Sticky(cookie="who", ttl=60)
    assert (c.pool.sticky, d.pool.sticky) == (None, None)


@pytest.mark.parametrize("sticky", ["true", "{enabled: true}", "{}"])
def test_stickiness_has_defaults(tmp_path: Path, sticky: str) -> None:
    proxy = proxy_of(tmp_path, f"{{from: 3000, to: a, sticky: {sticky}}}")
    assert proxy.pool.sticky == Sticky(cookie="server_id", ttl=3600)


def test_entries_that_agree_form_a_pool_however_they_say_it(tmp_path: Path) -> None:
    text = """\
        defaults: {health_check: {path: /h}}
        proxies:
          - {to: a, from: 3000, health_check: {interval: 5s}, hold: 10000ms}
          - {to: A., from: 3001}
    """
    assert [proxy.to for proxy in load(tmp_path, text).config.proxies] == ["a", "a"]


def test_a_mistake_in_defaults_is_no_disagreement(tmp_path: Path) -> None:
    text = """\
        defaults: {health_check: {path: h}}
        proxies:
          - {to: a, from: 3000, health_check: {path: /h}}
          - {to: a, from: 3001}
    """
    assert [problem.what for problem in refused(tmp_path, text)] == [
        "`defaults.health_check.path` does not begin with a /: `h`"
    ]


def test_one_mistake_does_not_hide_those_between_other_entries(tmp_path: Path) -> None:
    text = """\
        proxies:
          - {to: a, from: 3000}
          - {to: b, from: nowhere}
          - {to: a, from: 127.0.0.1:3000}
        foo: 1
    """
    assert [problem.where.rsplit(":", 2)[1] for problem in refused(tmp_path, text)] == [
        "3",
        "4",
        "5",
    ]


def test_two_pools_may_share_a_backend_that_one_of_them_starts(tmp_path: Path) -> None:
    text = "proxies: [{to: a, from: 3000, start: ./a}, {to: b, from: 3000}]"
    assert len(load(tmp_path, text).config.proxies) == 2


@pytest.mark.parametrize(
    ("form", "address"),
    [
        ("3000", "localhost:3000"),
        ("':3000'", "localhost:3000"),
        ("LocalHost:3000", "localhost:3000"),
        ("'[::1]:3000'", "[::1]:3000"),
        ("'[0:0:0:0:0:0:0:1]:3000'", "[::1]:3000"),
        ("10.0.0.1:80", "10.0.0.1:80"),
        ("my_service.internal:80", "my_service.internal:80"),
        ("{url: 'http://[::1]:3000'}", "[::1]:3000"),
        ("{url: 'HTTP://example.test/'}", "example.test:80"),
    ],
)
def test_an_address_has_many_forms(tmp_path: Path, form: str, address: str) -> None:
    proxy = proxy_of(tmp_path, f"{{from: [{form}], to: a}}")
    assert str(proxy.sources[0].address) == address


@pytest.mark.parametrize(
    "form",
    [
        "true",
        "null",
        "[[3000]]",
        "[]",
        "''",
        "','",
        "'3000,'",
        "host",
        "'a b:1'",
        "-1",
        "3000.5",
        "'[::1]'",
        "'[nope]:3000'",
        "300.0.0.1:80",
        "'localhost:3000/x'",
        "{}",
        "{url: 3000}",
        "{url: 'http://u@h:1'}",
        "{url: 'http://h:1?x'}",
        "'-a:1'",
        "'٣'",
        "localhost:000",
    ],
)
def test_what_is_no_address_is_refused_where_it_stands(tmp_path: Path, form: str) -> None:
    (problem,) = refused(tmp_path, f"to: a\nfrom: {form}\n")
    assert problem.where.startswith(f"{tmp_path}/rpx.yaml:2:")
    assert problem.hint


@pytest.mark.parametrize(("form", "number"), [("sigint", 2), ("HUP", 1), ("9", 9), ("'15'", 15)])
def test_a_signal_has_many_names(tmp_path: Path, form: str, number: int) -> None:
    text = f"processes: {{w: {{command: ./w, stop_signal: {form}}}}}"
    assert load(tmp_path, text).config.processes[0].start.stop_signal == number


@pytest.mark.parametrize("form", ["0", "-1", "true", "SIG", "''", "999", "1.5", "[15]"])
def test_what_is_no_signal_is_refused(tmp_path: Path, form: str) -> None:
    (problem,) = refused(tmp_path, f"processes: {{w: {{command: ./w, stop_signal: {form}}}}}")
    assert "is not a signal" in problem.what


def test_an_entry_that_is_silent_about_a_pool_wide_setting_has_that_of_the_other() -> None:
    mapping = {
        "proxies": [
            {"from": 3000, "to": "api.localhost"},
            {"from": 3001, "to": "api.localhost", "health_check": {"path": "/up"}, "hold": 3},
        ]
    }
    config = config_from_mapping(mapping, root=Path.cwd(), environ={})
    assert [proxy.pool.hold for proxy in config.proxies] == [3, 3]
    assert {proxy.health_check.path for proxy in config.proxies if proxy.health_check} == {"/up"}
    assert all(proxy.health_check for proxy in config.proxies)


@pytest.mark.parametrize(
    "entry", ["start: ./a, instances: 1", "start: {command: ./a, instances: 1}"]
)
def test_one_process_may_own_all_addresses(tmp_path: Path, entry: str) -> None:
    proxy = proxy_of(tmp_path, f"{{from: [3000, 3001, 3002], to: a, {entry}}}")
    assert [start is not None for start in starts(proxy)] == [True, False, False]
    assert [source.served_by for source in proxy.sources] == [None, 0, 0]


def test_one_process_owns_what_has_no_start_of_its_own(tmp_path: Path) -> None:
    text = """{to: a, from: [3000, 3001, {address: 3002, start: ./b}], instances: 1,
        start: {command: ./a, env: {PORT: 3001}}}"""
    config = load(tmp_path, text).config
    (proxy,) = config.proxies
    assert [start is not None for start in starts(proxy)] == [False, True, True]
    endpoints = endpoints_of(plan_backends(config, Ports(80)))
    assert [each.process for each in endpoints] == ["a:3001", "a:3001", "a:3002"]
    assert [each.own for each in endpoints] == [False, True, True]


def test_without_processes_nothing_is_served_by_one(tmp_path: Path) -> None:
    config = load(tmp_path, "{from: [3000, 3001], to: a, start: ./a, instances: 1}").config
    specs = plan_backends(routes_only(config), Ports(80))
    assert processes_of(specs) == []
    assert [each.process for each in endpoints_of(specs)] == ["", ""]


def test_an_address_that_another_host_starts_is_served_by_that_process(tmp_path: Path) -> None:
    text = """proxies:
      - {to: "*.a.localhost", name: tenants, from: ["127.0.0.1:3000", 3009]}
      - {to: a.localhost, name: a, from: [3000, 3001], start: ./a}
    """
    specs = plan_backends(load(tmp_path, text).config, Ports(80))
    assert [(spec.label, spec.server) for spec in specs if not spec.process] == [
        ("tenants:3000", "a:3000"),
        ("tenants:3009", ""),
    ]


@pytest.mark.parametrize("form", ["null", '"null"', "~", "", "Null"])
def test_yamls_null_for_stdin_is_dev_null(tmp_path: Path, form: str) -> None:
    config = load(tmp_path, f"processes: {{a: {{command: cat, stdin: {form}}}}}").config
    assert config.processes[0].start.stdin == "null"


def test_a_service_reads_an_open_pipe_and_a_oneshot_nothing_unless_told_otherwise(
    tmp_path: Path,
) -> None:
    text = """\
    processes:
      a: cat
      b: {command: cat, oneshot: true}
      c: {command: cat, oneshot: true, stdin: open}
    """
    processes = load(tmp_path, text).config.processes
    assert [process.start.stdin for process in processes] == ["open", "null", "open"]


def test_words_of_compose_mean_here_what_they_mean_there(tmp_path: Path) -> None:
    config, warnings = load(
        tmp_path,
        """\
        defaults: {restart: "on-failure:2"}
        processes:
          a: {command: x, restart: "on-failure:7"}
          b: {command: x, restart: unless-stopped, profiles: more}
          c:
            command: x
            depends_on:
              a: {condition: service_started}
              b: {condition: service_healthy, required: false}
              elsewhere: {required: false}
        """,
    )
    a, c = config.processes
    assert (a.start.restart.policy, a.start.restart.max_restarts) == ("on-failure", 7)
    assert c.start.restart.max_restarts == 2
    assert [(d.name, d.condition, d.required) for d in c.depends_on] == [
        ("a", "started", True),
        ("b", "healthy", False),
        ("elsewhere", "healthy", False),
    ]
    assert warnings == []


def test_env_for_all_lies_between_the_files_of_the_project_and_what_a_service_says(
    tmp_path: Path,
) -> None:
    (tmp_path / "all.env").write_text("A=file\nB=file\nC=file\nHOST=file\nD=file\n")
    (tmp_path / "own.env").write_text("C=own file\nE=own file\n")
    config, warnings = load(
        tmp_path,
        """\
        env_file: all.env
        env: {B: all, C: all, D: null, E: null, F: all, HOST: all, WHO: $RPX_NAME, X: "${B:-none}"}
        processes: {w: {command: x, env: {F: null}, env_file: own.env}, v: x}
        proxies: [{to: api.localhost, from: 3000, start: {command: x, env: {B: own}}}]
        """,
        "B=dotenv",
    )
    assert warnings == []
    there = {each.name: each.start.env for each in processes_of(plan_backends(config, Ports(80)))}
    assert there["w"] == {
        "A": "file", "B": "all", "C": "own file", "D": None, "E": "own file", "F": None,
        "HOST": "all", "WHO": mark("RPX_NAME"), "X": "dotenv",
    }  # fmt: skip
    assert (there["v"]["C"], there["v"]["E"], there["v"]["F"]) == ("all", None, "all")
    assert (there["api"]["B"], there["api"]["HOST"]) == ("own", "all")


def test_env_for_all_is_below_files_that_come_into_being_later(tmp_path: Path) -> None:
    config, _ = load(
        tmp_path,
        """\
        env: {A: all, B: all}
        processes:
          make: {command: x, oneshot: true}
          w: {command: x, env_file: made.env, depends_on: make}
        """,
    )
    (tmp_path / "made.env").write_text("B=made\n")
    later = config.processes[1].start.env_later
    assert later is not None
    assert later() == {"A": "all", "B": "made"}
