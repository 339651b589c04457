"""What is known of images by their names: what listens where, and what runs code of others."""

from __future__ import annotations

import re

# Where images listen that speak no HTTP; a service of another port beside it is its web page.
DATABASES: dict[str, int] = {
    "postgres": 5432, "postgresql": 5432, "postgis": 5432, "pgvector": 5432, "timescaledb": 5432,
    "mysql": 3306, "mariadb": 3306, "percona": 3306, "redis": 6379, "valkey": 6379,
    "redis-stack": 6379, "redis-stack-server": 6379, "dragonfly": 6379, "keydb": 6379,
    "mongo": 27017, "mongodb": 27017, "memcached": 11211, "rabbitmq": 5672, "kafka": 9092,
    "cp-kafka": 9092, "redpanda": 9092, "zookeeper": 2181, "cp-zookeeper": 2181, "nats": 4222,
    "cassandra": 9042, "scylla": 9042, "mssql": 1433, "etcd": 2379,
    "cockroach": 26257, "mosquitto": 1883, "emqx": 1883, "beanstalkd": 11300, "openldap": 389,
    "pgbouncer": 5432, "neo4j": 7687, "temporal": 7233, "auto-setup": 7233,
}  # fmt: skip
# Where images have a page that people open.
PAGES: dict[str, int] = {
    "mailpit": 8025, "mailhog": 8025, "maildev": 1080, "smtp4dev": 80, "inbucket": 9000,
    "pgadmin4": 80, "adminer": 8080, "phpmyadmin": 80, "mongo-express": 8081, "whoami": 80,
    "redis-commander": 8081, "redisinsight": 5540, "grafana": 3000, "prometheus": 9090,
    "alertmanager": 9093, "jaeger": 16686, "all-in-one": 16686, "zipkin": 9411, "kibana": 5601,
    "opensearch-dashboards": 5601, "elasticsearch": 9200, "opensearch": 9200, "minio": 9000,
    "rabbitmq": 15672, "kafka-ui": 8080, "keycloak": 8080, "meilisearch": 7700, "qdrant": 6333,
    "typesense": 8108, "clickhouse-server": 8123, "influxdb": 8086, "localstack": 4566,
    "wiremock": 8080, "httpbin": 80, "swagger-ui": 8080, "wordpress": 80, "nextcloud": 80,
    "gitea": 3000, "n8n": 5678, "metabase": 3000, "directus": 8055, "hasura": 8080,
    "graphql-engine": 8080, "unleash-server": 4242, "vault": 8200, "consul": 8500,
    "portainer": 9000, "registry": 5000, "ui": 8080, "dozzle": 8080, "loki": 3100,
}  # fmt: skip
BALANCERS = {
    "nginx": "nginx", "openresty": "nginx", "nginx-unprivileged": "nginx", "traefik": "traefik",
    "caddy": "caddy", "haproxy": "haproxy", "envoy": "envoy", "nginx-proxy": "nginx-proxy",
}  # fmt: skip
LANGUAGES = {
    "node", "python", "ruby", "php", "golang", "go", "rust", "openjdk", "eclipse-temurin", "maven",
    "gradle", "deno", "bun", "elixir", "erlang", "perl", "swift", "dotnet", "sdk", "amazoncorretto",
    "jruby", "pypy", "clojure", "haskell", "dart", "composer", "uv",
    "rails",
}  # fmt: skip
# Ports of programs on which nobody speaks HTTP to them: databases, mail, debuggers, live reload.
_NO_HTTP = {22, 25, 110, 143, 389, 465, 587, 636, 993, 995, 1025, 1433, 1521, 1883, 2181, 3306,
            4222, 5005, 5432, 5671, 5672, 5678, 5900, 6379, 6380, 7233, 7687, 8883, 9042, 9092,
            9229, 9230, 11211, 11300, 26257, 27017, 33060, 35729, 50051}  # fmt: skip
_WEB = re.compile(r"80|443|3[0-9]{3}|4[0-9]{3}|5[0-1]\d\d|5173|8[0-9]{3}|9[0-9]{3}|1[0-9]{4}")


def base_name(image: str) -> str:
    """`postgres` of `docker.io/library/postgres:16-alpine@sha256:…`."""
    last = image.partition("@")[0].rpartition("/")[2]
    return last.partition(":")[0].lower()


def balancer(image: str) -> str:
    """The kind of balancer that an image is, "" for none."""
    return BALANCERS.get(base_name(image), "")


def may_speak_http(port: int) -> bool:
    """Whether a program that listens there may be for browsers."""
    return port not in _NO_HTTP


def page_of(image: str, ports: list[int]) -> int | None:
    """At which of its ports an image has pages; None for none. A guess for unknown images."""
    name = base_name(image)
    if name in PAGES and (not ports or PAGES[name] in ports):
        return PAGES[name]
    if name == "minio" and 9001 in ports:
        return 9001
    if name in DATABASES:
        return None
    likely = [port for port in ports if may_speak_http(port) and _WEB.fullmatch(str(port))]
    return likely[0] if likely else None
