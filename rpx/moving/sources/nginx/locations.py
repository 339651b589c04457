"""A location as rules: who answers, what becomes of the path, of fields, who may come in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from rpx.moving.draft import Written
from rpx.moving.given import Given
from rpx.moving.sites.passwords import basic_auth
from rpx.moving.sites.web_sites import BackendPool, Rule
from rpx.moving.sources.nginx import changes_of_path as paths
from rpx.moving.sources.nginx.changes_of_path import BadPattern
from rpx.moving.sources.nginx.directive_scope import Scope
from rpx.moving.sources.nginx.directives import Directive
from rpx.moving.sources.nginx.fixed_answers import foreign_protocol, redirect, refusal, returned
from rpx.moving.sources.nginx.location_order import Location, LocationKind, in_order, locations_of
from rpx.moving.sources.nginx.location_patterns import as_sent, of_expression, of_path, of_prefix
from rpx.moving.sources.nginx.nginx_fields import answers_preflights, fields_of
from rpx.moving.sources.nginx.nginx_files import files_of
from rpx.moving.sources.nginx.paths_of_locations import pattern_of, with_whole_path
from rpx.moving.sources.nginx.upstream_blocks import PassedTo, UpstreamBlocks


@dataclass(slots=True)
class ServerRules:
    """What the locations of a server stand in."""

    scope: Scope
    upstreams: UpstreamBlocks
    beside: Path  # where relative paths begin
    given: Given
    named: dict[str, Directive] = field(default_factory=dict)
    known_auth: dict[str, Written] = field(default_factory=dict)  # by the file of passwords
    told_of_host: bool = False

    def rules(self) -> list[Rule]:
        """All rules, in the order in which they are to be looked at."""
        root = Location(LocationKind.PREFIX, "/", self.scope)
        for each in self.scope.inner.all("location"):
            if each.args and each.args[0].startswith("@"):
                self.named[each.args[0]] = each
        if (said := self.scope.own("return")) is not None:
            return [self._fixed(root, said)]
        found = list(self._rewritten(root, [])) if self.scope.inner.all("rewrite") else []
        found += list(self._conditions(root))
        locations = in_order(locations_of(self.scope))
        for location in locations:
            found += self._location(location)
        self._say_unused()
        if not any(each.kind is not LocationKind.EXACT and each.text == "/" for each in locations):
            found += self._files(root, of_prefix("/"))
        return found

    def _say_unused(self) -> None:
        """Named locations that only error pages lead to."""
        for block in self.named.values():
            if not block.said:
                self.scope.lost(block, "nothing but `error_page` leads there")
            block.block[:] = [each for each in block.block if each.said]

    def _location(self, location: Location) -> list[Rule]:
        try:
            pattern = pattern_of(location)
        except BadPattern as error:
            location.scope.lost(location.directive, str(error), error.hint)
            return []
        scope = location.scope
        if not (location.text.startswith("/") or location.is_expression):
            scope.lost(location.directive, "no path begins so: nobody comes there")
            for each in scope.inner.block:
                each.said = True
            return []
        if said := scope.own("return"):
            return [*self._conditions(location), self._fixed(location, said)]
        found = list(self._conditions(location))
        found += self._content(location, pattern)
        return found

    def _content(self, location: Location, pattern: tuple[str, ...]) -> list[Rule]:
        """What answers a location that has no `return`."""
        scope = location.scope
        if inside := scope.own("internal"):
            scope.carried(inside, "nobody can ask for it from outside: a 404")
            for each in scope.inner.block:
                each.said = True
            return [self._rule(location, pattern, {"respond": 404})]
        if passed := scope.own("proxy_pass") or scope.own("grpc_pass"):
            return self._proxied(location, pattern, passed)
        if (words := foreign_protocol(scope)) is not None:
            return [self._rule(location, pattern, words)]
        denied = scope.inner.last("deny")
        if denied is not None and denied.args == ["all"] and not scope.inner.all("allow"):
            denied.said = True
            return [self._rule(location, pattern, {"respond": 403})]
        rewritten = list(self._rewritten(location, pattern))
        return rewritten + self._files(location, pattern)

    def _files(self, location: Location, pattern: tuple[str, ...]) -> list[Rule]:
        scope = location.scope
        found = files_of(location, scope, self.beside, self.given)
        if found is None:
            if location.directive.name == "location" and not scope.inner.all("rewrite"):
                scope.lost(location.directive, "nobody answers there: no folder and no backend")
            return []
        if found.otherwise:
            tried = scope.last("try_files")
            block = self.named.get(found.otherwise)
            if tried is None or block is None:
                return []
            block.said = True
            hint = "name them in a route: `{path: /assets/*, static: ./public}`"
            scope.lost(tried, "files do not go before the backend", hint)
            inner = replace(location, scope=self.scope.within(block))
            return self._content(inner, pattern)
        rule = self._rule(location, pattern, found.answer)
        rule.change = found.change
        return [rule]

    def _fixed(self, location: Location, said: Directive) -> Rule:
        pattern = pattern_of(location) if location.directive.name == "location" else ()
        whole, pattern = with_whole_path(location, pattern, said)
        return self._rule(location, pattern, returned(said, location.scope, whole))

    def _proxied(
        self, location: Location, pattern: tuple[str, ...], passed: Directive
    ) -> list[Rule]:
        scope = location.scope
        target = self.upstreams.target(passed, scope)
        if target is None:
            words = refusal(f"Here nginx asked {passed.args[0]}, and rpx can't tell where that is.")
            return [self._rule(location, pattern, words)]
        rewritten = list(self._rewritten(location, pattern, target))
        if any(rule.paths == pattern for rule in rewritten):
            return rewritten
        change, pattern = self._uri(location, pattern, target, passed)
        rule = self._rule(location, pattern, self._pool(scope, target), proxied=True)
        rule.change = change
        return [*rewritten, *self._with_slash(location), rule]

    def _uri(
        self, location: Location, pattern: tuple[str, ...], target: PassedTo, passed: Directive
    ) -> tuple[Written, tuple[str, ...]]:
        """What the URI of `proxy_pass` makes of the path."""
        if not target.uri:
            return {}, pattern
        if target.variable or "$" in target.uri:
            words = paths.of_variables(target.uri)
            if words is None:
                location.scope.lost(passed, "rpx has no such variable in `rewrite`")
            return words or {}, pattern
        if location.kind in {LocationKind.EXPRESSION, LocationKind.ANY_CASE}:
            return {}, pattern
        change = paths.of_uri(location.text, location.kind is LocationKind.EXACT, target.uri)
        if change.words and location.kind is not LocationKind.EXACT:
            why = f"{target.uri} takes the place of {location.text}: {_said(change.words)}"
            location.scope.carried(passed, why)
        return change.words, (change.path,) if change.path else pattern

    def _pool(self, scope: Scope, target: PassedTo) -> BackendPool:
        fields = fields_of(scope, proxied=True)
        own = fields.host in {"", "$proxy_host"}
        if (
            (own and target.foreign)
            or (fields.host and "$" not in fields.host)
            or (fields.host == "$proxy_host")
        ):
            settings = (*target.pool.settings, ("change_origin", True))
            return replace(target.pool, settings=settings)
        if not fields.host and not self.told_of_host:
            self.told_of_host = True
            why = "backends are told the host that clients ask for; nginx tells them its own"
            hint = "`change_origin: true`, if one insists on that"
            scope.draft.carried(scope.service, "Host", why, scope.inner.origin, hint)
        return target.pool

    def _rule(
        self,
        location: Location,
        pattern: tuple[str, ...],
        answer: BackendPool | Written,
        *,
        proxied: bool = False,
    ) -> Rule:
        scope = location.scope
        fields = fields_of(scope, proxied=proxied)
        rule = Rule(location.directive.origin, answer, pattern)
        rule.request, rule.response, rule.cors = fields.request, fields.response, fields.cors
        protected = scope.last("auth_basic")
        if protected is not None and protected.args[:1] != ["off"]:
            rule.auth = self._auth(scope, protected)
        return rule

    def _auth(self, scope: Scope, protected: Directive) -> Written:
        """Who may come in. One file of passwords is said once."""
        users = scope.last("auth_basic_user_file")
        file = self.beside / users.args[0] if users and users.args else None
        if str(file) not in self.known_auth:
            self.known_auth[str(file)] = basic_auth(
                file, scope.draft, scope.service, protected.text, protected.origin
            )
        protected.said = True
        return self.known_auth[str(file)]

    def _with_slash(self, location: Location) -> Iterator[Rule]:
        """nginx sends `/api` to `/api/` where a location of that name has a backend."""
        text = location.text
        if (
            location.kind not in {LocationKind.PREFIX, LocationKind.FIRST}
            or not text.endswith("/")
            or text == "/"
        ):
            return
        without = text.rstrip("/")
        taken = (
            each.args
            for each in self.scope.inner.all("location")
            if each.args[-1:] == [without] or each.args == [f"={without}"]
        )
        if any(taken):
            return
        yield self._rule(location, of_path(without), redirect(as_sent(text), 301))

    def _rewritten(
        self,
        location: Location,
        pattern: tuple[str, ...] | list[str],
        target: PassedTo | None = None,
    ) -> Iterator[Rule]:
        """The rules of `rewrite`s. One that is for the whole location has its pattern."""
        for each in location.scope.inner.all("rewrite"):
            if len(each.args) < 2:
                continue
            each.said = True
            flag = each.args[2] if len(each.args) > 2 else ""
            try:
                rule = self._rewrite(location, tuple(pattern), each, flag, target)
            except BadPattern as error:
                location.scope.lost(each, str(error), error.hint)
                continue
            if rule is not None:
                yield rule

    def _rewrite(
        self,
        location: Location,
        pattern: tuple[str, ...],
        each: Directive,
        flag: str,
        target: PassedTo | None,
    ) -> Rule | None:
        scope, (expression, to) = location.scope, each.args[:2]
        below = (
            ""
            if location.kind in {LocationKind.EXPRESSION, LocationKind.ANY_CASE}
            else location.text
        )
        if flag in {"redirect", "permanent"} or paths.is_elsewhere(to):
            there = paths.redirect_to(to, whole_path="", appends_query=True)
            if there is None:
                scope.lost(each, "rpx has no such variable in `redirect`")
                return None
            words = redirect(there, 301 if flag == "permanent" else 302)
            return self._rule(location, (of_expression(expression, below=below),), words)
        change = paths.of_rewrite(expression, to, location.text)
        if change is None:
            scope.lost(each, "rpx has no such variable in `rewrite`")
            return None
        whole = not change.path or change.path in of_prefix(location.text)
        paths_of_rule = pattern if whole else (change.path,)
        if target is not None:
            rule = self._rule(location, paths_of_rule, self._pool(scope, target), proxied=True)
            if flag != "break":
                scope.guessed(each, "goes to the same backend; nginx looks for the location again")
        else:
            found = self._that_has(to, change)
            if found is None:
                hint = "a route has `rewrite` beside who answers"
                scope.lost(each, "it isn't clear who answers then", hint)
                return None
            rule, change = found
            rule.paths, rule.origin = paths_of_rule, each.origin
            scope.guessed(each, "who answers was found by the beginning of the new path")
        rule.change = change.words
        return rule

    def _that_has(
        self, path: str, change: paths.PathBecomes
    ) -> tuple[Rule, paths.PathBecomes] | None:
        """A rule that answers like the location for a path that begins so, and what becomes of
        the path by both.
        """
        beginning = path.partition("$")[0]
        fitting = [
            each
            for each in locations_of(self.scope)
            if each.kind in {LocationKind.PREFIX, LocationKind.FIRST, LocationKind.EXACT}
            and beginning.startswith(each.text)
            and not each.scope.inner.all("rewrite")
        ]
        for location in sorted(fitting, key=lambda each: -len(each.text)):
            pattern = pattern_of(location)
            for rule in self._content(location, pattern):
                if rule.paths == pattern and (both := paths.one_after_another(change, rule)):
                    return rule, both
            return None
        return None

    def _conditions(self, location: Location) -> Iterator[Rule]:
        """The few `if`s that mean something for rpx."""
        for each in location.scope.inner.all("if"):
            inner = location.scope.within(each)
            words = " ".join(each.args)
            if answers_preflights(each):
                inner.carried(each, "`cors` answers preflights")
                for other in each.block:
                    other.said = True
                cors = fields_of(inner, proxied=False).cors
                outer = fields_of(location.scope, proxied=False).cors
                if cors is not None and outer is None:
                    location.scope.guessed(each, "is said by `cors: true`")
            elif words.startswith("$request_method =") and (said := inner.own("return")):
                each.said = True
                rule = self._rule(
                    replace(location, scope=inner),
                    pattern_of(location),
                    returned(said, inner, "$1"),
                )
                rule.conditions = {"method": words.rpartition(" ")[2].strip("'\"")}
                yield rule


def _said(words: Written) -> str:
    return ", ".join(f"`{word}: {value}`" for word, value in words.items())
