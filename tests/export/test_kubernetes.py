"""A project as Kubernetes' objects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rpx.export.cluster_names import escaped, quantity, safe_name
from rpx.moving.remarks import Came
from tests.export.support import SHOP, exported, objects, said, shop


@pytest.fixture
def cluster(tmp_path: Path) -> dict[tuple[str, str], Any]:
    return objects(exported(shop(tmp_path), SHOP, "kubernetes"))


def pod(cluster: dict[tuple[str, str], Any], name: str, kind: str = "Deployment") -> Any:  # noqa: ANN401
    return cluster[kind, name]["spec"]["template"]["spec"]


def test_whatever_runs_on_is_a_deployment_and_what_ends_a_job(
    cluster: dict[tuple[str, str], Any],
) -> None:
    kinds = {name: kind for kind, name in cluster if kind in {"Deployment", "Job"}}
    assert kinds.pop("migrate") == "Job"
    assert set(kinds) == {"api", "many", "db", "cache", "mail", "css"}
    assert cluster["Deployment", "api"]["spec"]["replicas"] == 2
    assert cluster["Deployment", "css"]["spec"]["replicas"] == 0
    assert pod(cluster, "migrate", "Job")["restartPolicy"] == "Never"
    assert pod(cluster, "css")["terminationGracePeriodSeconds"] == 3
    assert pod(cluster, "css")["containers"][0]["stdin"] is True


def test_what_waits_has_containers_before_it_that_wait(cluster: dict[tuple[str, str], Any]) -> None:
    database, job = pod(cluster, "api")["initContainers"]
    assert database["command"] == ["sh", "-c", "until nc -z -w 1 db 5432; do sleep 1; done"]
    assert job["command"][:4] == ["kubectl", "wait", "--for=condition=complete", "job/migrate"]
    assert pod(cluster, "api")["serviceAccountName"] == "shop-waits"
    assert ("RoleBinding", "shop-waits") in cluster


def test_checks_are_probes(cluster: dict[tuple[str, str], Any]) -> None:
    api = pod(cluster, "api")["containers"][0]
    assert api["readinessProbe"] == {
        "httpGet": {"path": "/health", "port": 3000},
        "periodSeconds": 1,
        "timeoutSeconds": 2,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    assert api["livenessProbe"]["failureThreshold"] == 6
    command = pod(cluster, "db")["containers"][0]["readinessProbe"]["exec"]["command"]
    assert command == ["sh", "-c", "pg_isready -U app"]
    many = pod(cluster, "many")["containers"][0]["readinessProbe"]
    assert many["tcpSocket"] == {"port": 8080}


def test_secrets_are_asked_for_and_not_written(tmp_path: Path) -> None:
    found = exported(shop(tmp_path), SHOP, "kubernetes")
    (text,) = found.files.values()
    assert "secret\n" not in text
    api = pod(objects(found), "api")["containers"][0]
    assert api["env"] == [
        {
            "name": "DB_PASSWORD",
            "valueFrom": {"secretKeyRef": {"name": "shop-env", "key": "DB_PASSWORD"}},
        },
        {"name": "DATABASE_URL", "value": "postgres://app:$(DB_PASSWORD)@db:5432/app"},
    ]
    assert {"secretRef": {"name": "shop-env", "optional": True}} in api["envFrom"]
    hints = [remark.hint for remark in found.remarks]
    assert "kubectl create secret generic shop-env --from-env-file=.env" in hints
    own = objects(found)["ConfigMap", "api-env"]["data"]
    assert (own["CACHE_URL"], own["MAIL_HOST"], own["PRICE"]) == (
        "redis://cache:6379/0",
        "mail",
        "5$",
    )


def test_volumes_are_claims_and_files_of_the_project_are_maps(
    cluster: dict[tuple[str, str], Any],
) -> None:
    assert ("PersistentVolumeClaim", "shop-data") in cluster
    assert cluster["ConfigMap", "shop-init-files"]["data"] == {
        "schema.sql": "CREATE TABLE t (x int);\n"
    }
    mounts = pod(cluster, "db")["containers"][0]["volumeMounts"]
    assert [each["mountPath"] for each in mounts] == [
        "/var/lib/postgresql/data",
        "/docker-entrypoint-initdb.d",
    ]
    assert cluster["Deployment", "db"]["spec"]["strategy"] == {"type": "Recreate"}
    assert pod(cluster, "db")["containers"][0]["resources"] == {"limits": {"memory": "1Gi"}}


def test_hosts_and_paths_are_an_ingress(tmp_path: Path) -> None:
    text = """\
name: My_Shop
https: true
proxies:
  - {to: web_app.localhost, name: web_app, from: 3000, start: npm start}
  - to: shop.localhost/app
    from: 3000
    name: shop
    routes:
      - {path: /api/*, from: 4000, start: ./api}
      - {path: /health, proxy: web_app}
      - {path: /beta, method: POST, proxy: web_app}
      - {path: "/users/:id", proxy: web_app}
"""
    found = exported(tmp_path, text.replace("web_app.localhost", "web.localhost"), "kubernetes")
    ingress = objects(found)["Ingress", "my-shop"]
    web, shop_ = ingress["spec"]["rules"]
    assert web["host"] == "web.localhost"
    paths = [(each["path"], each["pathType"]) for each in shop_["http"]["paths"]]
    assert paths == [("/api", "Prefix"), ("/health", "Exact"), ("/app", "Prefix")]
    assert ingress["spec"]["tls"][0]["secretName"] == "my-shop-tls"
    assert ("web_app", "name") in said(found, Came.CARRIED)
    lost = [str(remark) for remark in found.losses]
    assert any("/users/:id is left out" in each for each in lost)
    assert any("an Ingress asks for host and path alone" in each for each in lost)


def test_no_tool_s_cruft_is_in_it(tmp_path: Path) -> None:
    (text,) = exported(shop(tmp_path), SHOP, "kubernetes").files.values()
    for word in ("creationTimestamp", "status:", "null", "annotations"):
        assert word not in text
    assert text == next(iter(exported(tmp_path, SHOP, "kubernetes").files.values()))


def test_names_and_figures_are_those_of_a_cluster() -> None:
    assert safe_name("Web_App.2") == "web-app-2"
    assert len(safe_name("x" * 80)) == 63
    assert [quantity(each) for each in ("1g", "512m", "1024", "1.5GB")] == [
        "1Gi",
        "512Mi",
        "1024",
        "1.5Gi",
    ]
    assert escaped("$(date) $$ $HOME") == "$$(date) $$$ $HOME"
