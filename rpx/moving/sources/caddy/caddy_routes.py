"""Caddy's nested routes, walked through in order: which rules come of them for the hosts of a site.

Caddy goes on to the next route until one answers; what a route has changed by then holds for those
behind it. rpx has one route that says it all.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field, replace

from rpx.moving.draft import Draft, Written
from rpx.moving.sites.cors_fields import take_cors
from rpx.moving.sites.here import Resolve
from rpx.moving.sites.passwords import auth_of
from rpx.moving.sites.path_sets import Mixed, Paths, both
from rpx.moving.sites.web_sites import BackendPool, Rule
from rpx.moving.sources.caddy.adapting import Adapted, Json
from rpx.moving.sources.caddy.caddy_files import Folders, index_of
from rpx.moving.sources.caddy.caddy_handlers import Sayings, pool_of, rules_for_fields
from rpx.moving.sources.caddy.changes import Changed, rewritten
from rpx.moving.sources.caddy.matchers import Unsayable, conditions_of, expression_of, paths_of
from rpx.moving.sources.caddy.responding import fixed_answer, refused
from rpx.moving.sources.caddy.route_shapes import ANSWERS, has_answer, merged, own_host, words_of
from rpx.policy.expression_trees import BadPattern

_WHY = {"encode": "rpx compresses nothing: on one machine it costs more than it saves"}
_PLAIN_ERROR = "Here Caddy asked a backend in a way that rpx does not know."


@dataclass(frozen=True, slots=True)
class Passing:
    """What holds at some place of the walk: which requests come here, what was changed so far."""

    paths: Paths = None
    conditions: Written = field(default_factory=dict)
    changed: Changed = field(default_factory=Changed)
    request: Written = field(default_factory=dict)
    response: Written = field(default_factory=dict)
    auth: object = None
    root: str = ""
    index: str = ""  # what a path gets that is no file


class CaddyWalk:
    """The walk for one site. `hosts` are its hosts, which matchers of hosts are compared with."""

    def __init__(
        self,
        adapted: Adapted,
        draft: Draft,
        service: str,
        *,
        hosts: Sequence[str],
        line: int,
        folders: Folders,
        resolve: Resolve | None,
    ) -> None:
        self._adapted = adapted
        self._draft = draft
        self._service = service
        self._hosts = hosts
        self._line = line
        self._folders = folders
        self._resolve = resolve

    def rules(self, routes: list[Json], passing: Passing | None = None) -> Iterator[Rule]:
        """The rules of routes, in their order."""
        state: Passing | None = Passing() if passing is None else passing
        for number, route in enumerate(routes):
            if state is not None:
                state = yield from self._route(route, routes[number + 1 :], state)

    def _route(
        self, route: Json, behind: list[Json], state: Passing
    ) -> Generator[Rule, None, Passing | None]:
        """The rules of one; what holds for those behind it, None where nothing comes to them."""
        handlers, ends = route.get("handle") or [], has_answer(route)
        for matcher in route.get("match") or [{}]:
            if "not" in matcher and ends:
                yield from self._all_but(matcher, route, behind, state)
                if list(matcher) == ["not"]:
                    return None  # whoever is not meant has been through those behind it
            elif (inner := self._narrowed(state, matcher, route)) is not None:
                if ends:
                    yield from self._handled(handlers, inner)
                    if _same(inner, state):
                        return None
                elif matcher and not _same(inner, state):
                    yield from self.rules(behind, self._through(handlers, inner))
                else:
                    state = self._through(handlers, inner)
        return state

    def _all_but(
        self, matcher: Json, route: Json, behind: list[Json], state: Passing
    ) -> Iterator[Rule]:
        """A route for what some paths are not: those are the routes' behind it, and go first."""
        for other in matcher["not"]:
            if inner := self._narrowed(state, other, route):
                yield from self.rules(behind, inner)
        rest = {word: said for word, said in matcher.items() if word != "not"}
        if outer := self._narrowed(state, rest, route):
            yield from self._handled(route.get("handle") or [], outer)

    def _narrowed(self, state: Passing, matcher: Json, route: Json) -> Passing | None:
        """What of the requests that come here this route takes; None if there are none."""
        hosts = matcher.get("host")
        if hosts is not None and not set(hosts) & set(self._hosts):
            return None
        if "file" in matcher:
            index = index_of(matcher["file"])
            if index is None or index.endswith(".php"):
                why = "rpx tries a file, and then the index of the folder"
                self._say("lost", "try_files", why, "", "try_files")
                return None
            return replace(state, index=index)
        try:
            found = _restricted(state, matcher)
        except (Unsayable, Mixed) as error:
            why = f"rpx has no such condition ({error})"
            hint = "`path`, `method`, `headers` and `query` are those of routes"
            self._say("lost", f"matcher {' '.join(matcher)}", why, hint, *words_of(route))
            return None
        except BadPattern as error:
            self._say("lost", "path_regexp", str(error), error.hint, "path_regexp")
            return None
        return None if found.paths == () else found

    def _handled(self, handlers: list[Json], state: Passing) -> Iterator[Rule]:
        """The rules of the handlers of one route, of which one answers."""
        for handler in handlers:
            if handler["handler"] == "subroute":
                yield from self.rules(handler.get("routes") or [], state)
                if "errors" in handler:
                    self._errors()
                if has_answer({"handle": [handler]}):
                    return
            elif handler["handler"] in ANSWERS:
                for one in _each_path(handler, state):
                    yield self._rule(handler, one)
                return
            else:
                state = self._through([handler], state)

    def _through(self, handlers: list[Json], state: Passing) -> Passing:
        """What handlers that don't answer make of it."""
        for handler in handlers:
            told = Sayings([])
            state = self._past(handler, state, told)
            self._tell(told, handler)
        return state

    def _past(self, handler: Json, state: Passing, told: Sayings) -> Passing:
        match handler["handler"]:
            case "subroute":
                for route in handler.get("routes") or []:
                    state = self._through(route.get("handle") or [], state)
            case "rewrite":
                return self._rewritten(handler, state, told)
            case "headers":
                return self._with_fields(handler, state, told)
            case "vars" if "root" in handler:
                return replace(state, root=handler["root"])
            case "authentication":
                return replace(state, auth=self._auth(handler))
            case "request_body":
                self._body(handler)
            case name:
                told.say("lost", name, _WHY.get(name, "rpx has nothing for it"))
        return state

    def _rewritten(self, handler: Json, state: Passing, told: Sayings) -> Passing:
        if handler.get("uri") == "{http.matchers.file.relative}":
            return state
        done = rewritten(handler, state.changed, state.paths)
        if done is None:
            told.say("lost", "rewrite", "rpx can't say what becomes of the path")
            return state
        changed, paths = done
        return replace(state, changed=changed, paths=paths)

    def _with_fields(self, handler: Json, state: Passing, told: Sayings) -> Passing:
        request = rules_for_fields(handler.get("request") or {}, told)
        response = rules_for_fields(handler.get("response") or {}, told)
        return replace(
            state,
            request=merged(state.request, request),
            response=merged(state.response, response),
        )

    def _auth(self, handler: Json) -> object:
        accounts = ((handler.get("providers") or {}).get("http_basic") or {}).get("accounts") or []
        where = self._adapted.line_of("basic", after=self._line)
        names = [each["username"] for each in accounts]
        return auth_of(names, self._draft, self._service, "basic_auth", where)

    def _body(self, handler: Json) -> None:
        if size := handler.get("max_size"):
            limits = self._draft.top.setdefault("limits", {})
            limits["body"] = max(size, limits.get("body", 0))
            why = f"is `limits: {{body: {limits['body']}}}`, for the whole project"
            self._say("carried", "request_body", why, "", "request_body")

    def _rule(self, handler: Json, state: Passing) -> Rule:
        """The rule of a handler that answers."""
        told = Sayings([])
        change: Written = state.changed.words
        answer: BackendPool | Written
        request, response = state.request, state.response
        match handler["handler"]:
            case "reverse_proxy":
                pool = pool_of(handler, told, self._resolve)
                answer = refused(_PLAIN_ERROR) if pool is None else pool
                fields = handler.get("headers") or {}
                own, pool = own_host(fields.get("request") or {}, pool)
                answer = pool or answer
                request = merged(request, rules_for_fields(own, told))
                response = merged(response, rules_for_fields(fields.get("response") or {}, told))
                change = change if pool is not None else {}
            case "file_server":
                answer, change = self._folders.files(handler, state.root, state.index, change, told)
            case "error":
                answer, change = {"respond": int(handler.get("status_code") or 500)}, {}
            case _:
                answer, change = fixed_answer(handler, state.paths, state.changed, told), {}
        self._tell(told, handler)
        where = self._adapted.line_of(*words_of({"handle": [handler]}), after=self._line)
        paths = state.paths or ()
        if isinstance(answer, dict) and "path" in answer:  # it is put together from the path
            paths = (answer.pop("path"),)
        rule = Rule(where, answer, paths, dict(state.conditions), change)
        rule.request, rule.auth = request, state.auth
        rule.response, rule.cors = take_cors(response)
        if rule.cors is not None:
            why = "fields of CORS are said by `cors`, which answers preflights, too"
            self._say("carried", "header", why, "", "Access-Control")
        return rule

    def _errors(self) -> None:
        why = "rpx's own page says why, and comes back by itself"
        self._say("lost", "handle_errors", why, "", "handle_errors")

    def _tell(self, told: Sayings, handler: Json) -> None:
        for came, what, why, hint in told.lines:
            texts = [
                part for part in what.split() if part not in {"header", "passive", "transport"}
            ]
            self._say(came, what, why, hint, *(texts[:1] or words_of({"handle": [handler]})))

    def _say(self, came: str, what: str, why: str, hint: str, *texts: str) -> None:
        where = self._adapted.line_of(*texts, after=self._line)
        known = {(each.what, each.why, each.origin) for each in self._draft.remarks}
        if (what, why, where) in known:
            return
        say = {"lost": self._draft.lost, "guessed": self._draft.guessed}
        say.get(came, self._draft.carried)(self._service, what, why, where, hint)


def _same(one: Passing, other: Passing) -> bool:
    return (one.paths, one.conditions) == (other.paths, other.conditions)


def _each_path(handler: Json, state: Passing) -> list[Passing]:
    """One for each pattern, where the answer is put together from the path."""
    if "{http.request.uri" not in str(handler.get("headers")) or not state.paths:
        return [state]
    return [replace(state, paths=(pattern,)) for pattern in state.paths]


def _restricted(state: Passing, matcher: Json) -> Passing:
    """What a matcher leaves. Raises: Unsayable, Mixed, BadPattern."""
    paths = state.paths
    if (expression := expression_of(matcher)) is not None:
        paths = both(paths, (expression,))
    if "path" in matcher:
        if state.changed.rewrite:
            raise Unsayable("a path after it was rewritten")
        paths = both(paths, paths_of(matcher["path"], state.changed.cut))
    conditions = {**state.conditions, **conditions_of(matcher)}
    return replace(state, paths=paths, conditions=conditions)
