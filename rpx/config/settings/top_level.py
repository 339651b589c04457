"""The top level of rpx.yaml: the project's own settings, and those of a single proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, StrictBool, create_model

from rpx.config.settings.changing import WhenToReload
from rpx.config.settings.container_settings import ChosenEngine
from rpx.config.settings.env import Env, EnvFiles
from rpx.config.settings.forms import NAME, list_of, names_to
from rpx.config.settings.https import HttpsField
from rpx.config.settings.kept_requests import RequestsField
from rpx.config.settings.listen import ListenWritten, MetricsWritten
from rpx.config.settings.log_files import LogsWritten
from rpx.config.settings.pool_settings import DefaultsWritten
from rpx.config.settings.proxy import ProxyWritten
from rpx.config.settings.proxy_limits import LimitsWritten
from rpx.config.settings.realm_name import RealmName
from rpx.config.settings.start_settings import PROCESS
from rpx.config.settings.timeouts import TimeoutsWritten
from rpx.config.settings.values import Name
from rpx.config.settings.written import Kind, Maybe, Written, setting
from rpx.model.config import Config


class ProjectWritten(Written):
    """What stands beside `proxies`. These and processes are `Any` here and validated one by one, so
    that a mistake in one does not hide what is wrong between the others.
    """

    nouns = (Config,)

    name: Maybe[Name] = setting("of the project, for messages", "the folder's name")
    realm: Maybe[RealmName] = setting(
        "a label before the last one of every host, [for a second checkout](worktrees.md); empty:"
        " none",
        "that of the [git worktree](worktrees.md), if it is one",
    )
    https: Maybe[HttpsField] = setting("[encrypted connections](#https) for all proxies")
    listen: Maybe[ListenWritten] = setting("[where clients connect](#listen)")
    verbose: Maybe[StrictBool] = setting(
        "a line `[rpx] Request /path → host:port` for each answered request"
    )
    reload: Maybe[WhenToReload] = setting(
        "`auto`: read the file again [when it changes](reload.md#reload-auto)"
    )
    env: Maybe[Env] = setting(
        "variables for [everything that rpx starts](#env); what a service has of its own takes"
        " precedence, and `null` takes a variable away"
    )
    env_file: Maybe[EnvFiles] = setting("[files of variables](#env_file) for every process")
    timeouts: Maybe[TimeoutsWritten] = setting("[how long the proxy waits](#timeouts)")
    limits: Maybe[LimitsWritten] = setting("[how much it takes](#limits)")
    requests: Maybe[RequestsField] = setting("[what is remembered of requests](#requests)")
    logs: Maybe[LogsWritten] = setting("[files with what services print](#logs)")
    containers: Maybe[ChosenEngine] = setting(
        "[which engine](containers.md#which-engine) runs them; whichever answers, if not given",
        "whichever answers",
    )
    metrics: Maybe[MetricsWritten] = setting("[for Prometheus](#metrics)")
    dashboard: Maybe[StrictBool] = setting(
        "a [page of this project](dashboard.md) to watch and steer it"
    )
    defaults: Maybe[DefaultsWritten] = setting("[for all proxies](#defaults)")
    proxies: Maybe[Annotated[list[Any], Kind("list", list_of(ProxyWritten))]] = setting(
        "[hosts and their backends](#a-proxy)"
    )
    processes: Maybe[
        Annotated[dict[Name, Any], Kind("mapping", names_to(PROCESS, propertyNames=NAME))]
    ] = setting("[supervised, but not routed to](#processes)")


# One proxy needs no list: its settings stand beside the project's, where `name` and `https` are the
# project's own. They are `Any`, too.
_OF_A_PROXY: dict[str, Any] = {
    name: (Any, Field(None, alias=field.alias))
    for name, field in ProxyWritten.model_fields.items()
    if name not in ProjectWritten.model_fields
}
ONE_PROXY = tuple(ProxyWritten.model_fields[name].alias or name for name in _OF_A_PROXY)
TopWritten = create_model(
    "TopWritten", __base__=ProjectWritten, __doc__="The whole file.", **_OF_A_PROXY
)


def only_proxy(values: Mapping[str, object]) -> dict[str, object]:
    """What is written of a single proxy at the top level; empty where there is none."""
    return {key: values[key] for key in ONE_PROXY if key in values}
