"""Several compose files as one, what they extend and include, and files that are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from rpx.errors import RpxError
from rpx.moving.remarks import Came
from tests.moving.support import moved

BASE = """\
services:
  web:
    image: busybox
    command: [base]
    environment: {A: "1", B: "1"}
    ports: ["8080:80"]
    volumes: ["data:/data", "./a:/a"]
    labels: [one=1]
  db: {image: "postgres:16"}
  old: {image: busybox}
"""
OVERRIDE = """\
services:
  web:
    command: [over]
    environment: [B=2, C=3]
    ports: !override ["9090:80"]
    volumes: ["./b:/a"]
    depends_on: [db]
    labels: !reset null
  old: !reset null
"""


def test_an_override_beside_compose_yaml_is_laid_over_it(tmp_path: Path) -> None:
    files = {"compose.yaml": BASE, "compose.override.yaml": OVERRIDE, "a/x": "", "b/x": ""}
    found = moved(tmp_path, files)
    assert set(found.draft.services) == {"web", "db"}
    start = found.start("web")
    assert start.command == ("over",)
    assert start.env == {"A": "1", "B": "2", "C": "3"}
    assert [str(each.address) for each in found.proxy("web").sources] == ["localhost:9090"]
    container = start.container
    assert container is not None
    assert [volume.target for volume in container.volumes] == ["/data", "/a"]
    assert container.volumes[1].source.endswith("/b")
    assert not any(remark.what.startswith("labels") for remark in found.draft.remarks)
    assert found.draft.services["web"].origin.file.endswith("compose.yaml")


def test_what_is_extended_and_included_brings_its_own_folder_along(tmp_path: Path) -> None:
    files = {
        "compose.yaml": """\
include: [more/compose.yaml]
services:
  web:
    extends: {file: common/base.yaml, service: app}
    command: python3 web.py
  job: {extends: web, command: python3 job.py}
""",
        "common/base.yaml": """\
services:
  app:
    build: ./src
    env_file: app.env
    environment: {LEVEL: debug}
""",
        "common/src/x": "",
        "common/app.env": "X=1\n",
        "more/compose.yaml": "services: {side: {build: ., command: ./side.sh}}\n",
    }
    found = moved(tmp_path, files)
    for name in ("web", "job"):
        assert found.start(name).cwd == tmp_path / "common/src"
        assert found.start(name).env["LEVEL"] == "debug"
        assert found.start(name).env["X"] == "1"
    assert found.start("job").command == "python3 job.py"
    assert found.start("side").cwd == tmp_path / "more"


def test_files_of_another_folder_are_named_from_where_rpx_yaml_stands(tmp_path: Path) -> None:
    text = "services: {web: {build: ./app, command: ./run.sh}}\n"
    found = moved(
        tmp_path, {"deploy/compose.yaml": text, "deploy/app/x": ""}, ("deploy/compose.yaml",)
    )
    assert found.start("web").cwd == tmp_path / "deploy/app"
    assert found.config.name == "deploy"  # compose's name, for the sake of volumes


def test_variables_stay_variables_and_forms_that_rpx_doesn_t_know_are_filled_in(
    tmp_path: Path,
) -> None:
    text = """\
services:
  web:
    image: "nginxdemos/hello:${TAG:-latest}"
    environment:
      A: ${SET:+yes}
      B: ${UNSET:+no}
      C: "$${NOT}"
      D: ${SET-x}
"""
    found = moved(tmp_path, {"compose.yaml": text}, environ={"SET": "1"})
    assert "${TAG:-latest}" in found.text
    assert found.start("web").env == {"A": "yes", "B": "", "C": "${NOT}", "D": "1"}


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("services:\n  a: {image: x}\n  b: {image: [x}\n", "compose.yaml:3:", "not complete"),
        ("services: {}\n", "", "has no services"),
        ("x: 1\n", "", "has no services"),
        ("- a\n", "compose.yaml:1", "no mapping of settings"),
        ("services: [a]\n", "compose.yaml:1", "no mapping of names"),
        ("services:\n  a:\n  b: {image: x}\n", "compose.yaml:2", "`a` has no settings"),
        ("services:\n  a:\n    image: x${B:?no}\n", "compose.yaml:3", "`B` must be set: no"),
        ("services:\n  a:\n    image: x${B\n", "compose.yaml:3", "has no closing }"),
        ("services: {a: {extends: b}, b: {extends: a}}", "compose.yaml:1", "a extends b extends a"),
        ("services: {a: {extends: gone}}", "compose.yaml:1", "isn't in"),
        ("services: {a: {extends: {file: no.yaml, service: a}}}", "compose.yaml:1", "isn't there"),
        ("include: [compose.yaml]\nservices: {a: {image: x}}\n", "", "includes itself"),
        ("include: [no.yaml]\nservices: {a: {image: x}}\n", "compose.yaml:1", "isn't there"),
        ("a: &a [*a]\n", "", "nested more than"),
    ],
)
def test_what_is_broken_is_named_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, where: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RpxError) as caught:
        moved(tmp_path, {"compose.yaml": text}, ("compose.yaml",))
    [problem] = caught.value.problems
    assert what in problem.what
    assert where in problem.where
    assert caught.value.exit_code == 2


def test_aliases_of_aliases_take_no_time(tmp_path: Path) -> None:
    layers = ["x-0: &l0 [a, a, a, a, a, a, a, a, a]"]
    layers += [f"x-{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 10)]
    text = "\n".join([*layers, "services: {a: {image: x, dns: *l9}}"])
    with pytest.raises(RpxError, match="has more than 50000 values"):
        moved(tmp_path, {"compose.yaml": text})


def test_who_waits_for_each_other_is_told_by_the_check_of_the_new_file(tmp_path: Path) -> None:
    text = "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}"
    with pytest.raises(RpxError, match=r"wait|circle|itself"):
        moved(tmp_path, {"compose.yaml": text})


def test_host_ports_that_are_taken_twice_are_parted(tmp_path: Path) -> None:
    text = """\
services:
  one: {image: "postgres:16", ports: ["5432:5432"]}
  two: {image: "postgres:15", ports: ["5432:5432"]}
  three: {image: "postgres:15", ports: ["5432:5432"], profiles: [a]}
  low: {image: adminer, ports: ["80:8080"]}
  web: {build: ., command: python3 -m http.server 8000, ports: ["8000:8000"]}
  twin: {build: ., command: python3 -m http.server 8000, ports: ["8001:8000"]}
"""
    found = moved(tmp_path, {"compose.yaml": text})
    assert [port.auto for name in ("one", "two") for port in found.start(name).ports] == [
        False,
        True,
    ]
    assert not found.proxy("low").sources  # 80 is rpx's own: a free one
    assert found.start("twin").command == "python3 -m http.server $PORT"
    assert {("two", 3), ("three", 4), ("twin", 7)} <= found.lines(Came.GUESSED)


def test_the_env_file_of_another_folder_is_not_read_and_that_is_said(tmp_path: Path) -> None:
    files = {
        "deploy/compose.yaml": 'services: {db: {image: "postgres:${TAG}"}}\n',
        "deploy/.env": "TAG=16\n",
    }
    found = moved(tmp_path, files, ("deploy/compose.yaml",), {"TAG": "15"})
    [lost] = found.draft.losses
    assert (lost.what, lost.origin.file[-11:]) == (".env", "deploy/.env")
