"""The realm of a checkout: one label more in every host, so that two of a project can run at once.

`api.localhost` of the worktree `login` is `api.login.localhost`. Before the last label, so that all
hosts of a realm end alike: what a site may share below its domain stays within it.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Sequence
from typing import Final

LONGEST: Final = 40  # characters; DNS allows 63 (RFC 1035 §2.3.4), and nobody reads so many

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # a host that ends so is an IPv4 address to browsers


def is_realm(text: str) -> bool:
    """Whether a text can be a realm as it is: a label of a host, of LONGEST characters at most."""
    return len(text) <= LONGEST and _LABEL.fullmatch(text) is not None


def label_of(text: str) -> str:
    """As much of a text as a realm can have; "" where nothing is left. `Fix_Größe`: fix-grosse."""
    return _label(_words(text))


def realms_of(worktrees: Sequence[str], main: str) -> dict[str, str]:
    """The realm of each of a repository's worktrees, by git's name of it. `main` is the name of its
    main folder, which isn't repeated: `shop-login` of `shop` is `login`.

    No two are the same: of those that would be, whoever is listed later has a hash behind it. So a
    worktree that is new changes nobody else's realm.
    """
    realms: dict[str, str] = {}
    beginning = f"{_words(main)}-"
    for name in worktrees:
        whole = _words(name)
        own = _label(whole.removeprefix(beginning)) or _label(whole)
        realms[name] = _other_than(realms.values(), own, name)
    return realms


def in_realm(to: str, realm: str) -> str:
    """Where `to`, a host or host/path, is reached in a realm; "" is none.

    Addresses stay as they are: they are no names.
    """
    host, slash, path = to.partition("/")
    above, dot, last = host.rpartition(".")
    if not realm or host.startswith("[") or _NUMBER.fullmatch(last):
        return to
    return f"{above}{dot}{realm}.{last}{slash}{path}"


def any_in_realm(to: str, realm: str, taken: Collection[str]) -> list[str]:
    """Where `to`, which is `*` with or without a path, is reached in a realm; `taken` are the hosts
    there that others have.

    It is any host of the realm, `login.localhost` and names of one label below, and not any at all,
    which only one checkout of a machine could have.
    """
    path = to.removeprefix("*")
    own = in_realm("localhost", realm)
    return [f"{host}{path}" for host in (own, f"*.{own}") if host not in taken]


def _words(text: str) -> str:
    """Letters in lower case, their marks, and digits, with one `-` for whatever is between them.

    Latin letters have no marks: `é` is an e.
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(each for each in plain if not unicodedata.combining(each))
    if any(each.isalpha() for each in bare if not each.isascii()):
        bare = unicodedata.normalize("NFKC", plain)
    kept = (each if unicodedata.category(each)[0] in "LMN" else "-" for each in bare)
    return re.sub(r"-+", "-", "".join(kept)).strip("-")


def _label(words: str) -> str:
    """As DNS can have them. What isn't ASCII is written as browsers ask for it (RFC 5890), as long
    as that is short enough; else it is left out.
    """
    if not words.isascii():
        try:
            name = words.encode("idna").decode("ascii")
        except UnicodeError:  # scripts of two directions, or letters newer than the codec
            name = ""
        if is_realm(name):
            return name
    return _cut(re.sub(r"[^a-z0-9]+", "-", words).strip("-"))


def _cut(text: str, longest: int = LONGEST) -> str:
    return text[:longest].rstrip("-")


def _other_than(taken: Collection[str], own: str, name: str) -> str:
    label = own
    digits = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()
    length = 4
    while not label or label in taken:
        # What is in another writing can't be cut, nor have anything behind it.
        stem = "worktree" if not own or own.startswith("xn--") else own
        label = f"{_cut(stem, LONGEST - length - 1)}-{digits[:length]}"
        length += 1
    return label
