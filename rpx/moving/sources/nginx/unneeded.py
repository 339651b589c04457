"""Directives of nginx that rpx needs none of, or has nothing for, each with the reason."""

from __future__ import annotations

from collections.abc import Iterable

from rpx.moving.draft import Draft
from rpx.moving.sources.nginx.directives import Directive

_OWN = "is about how nginx itself works"
_CONNECTIONS = "rpx looks after its connections by itself"
_BY_ITSELF = "rpx does that by itself"
_LOGS = "`rpx up` and `rpx logs` show what happens"


def _words(text: str) -> list[str]:
    return text.split()


# carried: nothing has to be written for it
UNNEEDED = {
    **dict.fromkeys(
        _words(
            "user pid worker_processes worker_connections worker_rlimit_nofile"
            " worker_cpu_affinity worker_priority worker_shutdown_timeout daemon master_process"
            " events use multi_accept accept_mutex sendfile sendfile_max_chunk tcp_nopush"
            " tcp_nodelay aio directio pcre_jit server_names_hash_bucket_size"
            " server_names_hash_max_size types_hash_max_size types_hash_bucket_size"
            " variables_hash_max_size variables_hash_bucket_size map_hash_bucket_size"
            " map_hash_max_size load_module env lock_file thread_pool proxy_headers_hash_max_size"
            " proxy_headers_hash_bucket_size open_file_cache open_file_cache_valid"
            " open_file_cache_errors open_file_cache_min_uses reset_timedout_connection"
            " output_buffers postpone_output server_tokens server_tag etag if_modified_since"
            " max_ranges merge_slashes port_in_redirect absolute_redirect server_name_in_redirect"
            " resolver resolver_timeout charset charset_types default_type types include"
            " uninitialized_variable_warn rewrite_log log_subrequest msie_padding"
            " underscores_in_headers ignore_invalid_headers recursive_error_pages zone"
        ),
        _OWN,
    ),
    **dict.fromkeys(
        _words(
            "keepalive keepalive_requests keepalive_time proxy_http_version proxy_buffering"
            " proxy_buffers proxy_buffer_size proxy_busy_buffers_size proxy_max_temp_file_size"
            " proxy_temp_file_write_size proxy_temp_path proxy_request_buffering"
            " proxy_socket_keepalive client_body_buffer_size client_header_buffer_size"
            " client_body_temp_path client_body_in_file_only client_body_in_single_buffer"
            " lingering_close lingering_time lingering_timeout large_client_header_buffers http2"
            " http3 quic_retry http2_push http2_push_preload http2_max_concurrent_streams"
            " http2_body_preread_size http2_chunk_size proxy_headers_hash proxy_force_ranges"
            " proxy_limit_rate"
        ),
        _CONNECTIONS,
    ),
    **dict.fromkeys(
        _words(
            "proxy_redirect proxy_cookie_domain proxy_cookie_path proxy_next_upstream"
            " proxy_next_upstream_timeout proxy_next_upstream_tries proxy_ssl_server_name"
            " proxy_ssl_name proxy_ssl_session_reuse proxy_ssl_protocols proxy_ssl_ciphers"
            " proxy_pass_header proxy_pass_request_headers proxy_pass_request_body"
            " proxy_ignore_client_abort ssl_session_cache ssl_session_timeout ssl_session_tickets"
            " ssl_protocols ssl_ciphers ssl_prefer_server_ciphers ssl_dhparam ssl_ecdh_curve"
            " ssl_stapling ssl_stapling_verify ssl_trusted_certificate ssl_buffer_size"
            " ssl_conf_command ssl_early_data set_real_ip_from real_ip_header real_ip_recursive"
            " gzip_static gzip_vary"
        ),
        _BY_ITSELF,
    ),
    **dict.fromkeys(
        _words(
            "access_log error_log log_format log_not_found open_log_file_cache stub_status"
            " debug_connection"
        ),
        _LOGS,
    ),
    **dict.fromkeys(
        _words(
            "proxy_cache_bypass proxy_no_cache proxy_cache_valid proxy_cache_key proxy_cache_path"
            " proxy_cache_use_stale proxy_cache_lock proxy_cache_methods proxy_cache_min_uses"
            " proxy_cache_background_update proxy_cache_revalidate proxy_ignore_headers"
        ),
        "rpx keeps no answers of backends",
    ),
}
# lost: (why, what to do)
_LOST = {
    "gzip": ("rpx compresses nothing: on one machine it costs more than it saves", ""),
    "brotli": ("rpx compresses nothing", ""),
    "error_page": ("rpx's own page says why, and comes back by itself", ""),
    "proxy_intercept_errors": ("answers of backends go to clients as they are", ""),
    "proxy_cache": ("rpx keeps no answers of backends", ""),
    "limit_req": ("rpx limits no rates", ""),
    "limit_conn": ("rpx limits connections of the whole project", "`limits: {connections: …}`"),
    "limit_rate": ("rpx limits no rates", ""),
    "allow": ("rpx does not choose by address; it listens on this machine alone", ""),
    "deny": ("rpx does not choose by address; it listens on this machine alone", ""),
    "satisfy": ("rpx does not choose by address", ""),
    "internal": ("a route is for everybody", ""),
    "auth_request": ("rpx asks nobody who may come in", "`auth: {basic: …}`"),
    "mirror": ("rpx sends requests to one backend", ""),
    "sub_filter": ("rpx does not change bodies", ""),
    "map": ("rpx has no variables that depend on others", "write a route for each case"),
    "geo": ("rpx does not choose by address", ""),
    "split_clients": ("rpx has weights for that", "`from: [{address: …, weight: 3}, …]`"),
    "if": ("rpx has no conditions but those of routes", "`path`, `method`, `headers`, `query`"),
    "set": ("rpx has no variables of its own", ""),
    "stream": ("rpx proxies HTTP; TCP goes to the service itself, by its `ports`", ""),
    "mail": ("rpx proxies HTTP", ""),
    "proxy_method": ("rpx does not change methods", ""),
    "proxy_set_body": ("rpx does not change bodies", ""),
    "ssl_client_certificate": ("rpx asks for no certificates of clients", ""),
    "ssl_verify_client": ("rpx asks for no certificates of clients", ""),
    "limit_except": ("rpx has no such condition", "a route with `method`"),
}
_PREFIXES = (
    ("gzip_", "belongs to gzip"),
    ("brotli_", "belongs to brotli"),
    ("limit_req_", "belongs to limit_req"),
    ("limit_conn_", "belongs to limit_conn"),
    ("fastcgi_", "belongs to fastcgi_pass"),
    ("uwsgi_", "belongs to uwsgi_pass"),
    ("scgi_", "belongs to scgi_pass"),
    ("grpc_", "belongs to grpc_pass"),
    ("auth_basic", "belongs to auth_basic"),
    ("sub_filter", "belongs to sub_filter"),
)


def say_rest(draft: Draft, directives: Iterable[Directive], service: str = "") -> None:
    """Say of everything that nobody has said anything about what becomes of it.

    What is not needed is said once for each name, what is lost at each place.
    """
    told: set[str] = set()
    for each in _unsaid(directives):
        each.said = True
        if each.name == "gzip" and each.args == ["off"]:
            continue
        if each.name == "map" and each.args[:1] == ["$http_upgrade"]:
            draft.carried(service, each.text, "rpx lets WebSockets through by itself", each.origin)
            continue
        if each.name in _LOST:
            why, hint = _LOST[each.name]
            draft.lost(service, each.text, why, each.origin, hint)
        elif why := UNNEEDED.get(each.name) or _by_prefix(each.name):
            if each.name not in told:
                draft.carried(service, each.name, why, each.origin)
                told.add(each.name)
        else:
            draft.lost(service, each.text, "rpx has nothing for it", each.origin)


def _unsaid(directives: Iterable[Directive]) -> Iterable[Directive]:
    """Directives that nobody has said anything about; a block that is one, as a whole."""
    for each in directives:
        if not each.said:
            yield each
        elif each.name not in {"map", "geo", "types", "if", "stream", "mail"}:
            yield from _unsaid(each.block)


def _by_prefix(name: str) -> str:
    return next((why for prefix, why in _PREFIXES if name.startswith(prefix)), "")
