"""Which file of a folder a request is answered with: an index, a page of an application, a copy."""

from __future__ import annotations

import errno
import os
import time
from enum import Enum
from typing import Final, NamedTuple

from rpx.http.codings import stored_codings
from rpx.http.file_answer import ASK_AGAIN, FileFacts, etag_of
from rpx.http.file_path import looks_like_a_file, name_of
from rpx.http.media_types import media_type
from rpx.http.preconditions import Validators
from rpx.model.route import StaticFiles
from rpx.proxy.public_folder import OpenFile, PublicFolder

# There is nothing of that name.
_ABSENT: Final = frozenset((errno.ENOENT, errno.ENOTDIR))
# And in each other way that a system says so, or PublicFolder does. (EILSEQ: a name that is no
# text, where names have to be; ENXIO: also a socket.)
MISSING: Final = _ABSENT | {
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.EILSEQ,
    errno.EINVAL,
    errno.ENXIO,
    errno.ENODEV,
    errno.EOPNOTSUPP,
    errno.EXDEV,
}
_SECOND: Final = 1_000_000_000


class Instead(Enum):
    """What is answered where there is no file."""

    REDIRECT = "a folder was asked for without the slash that links of its index need"
    LISTING = "a folder was asked for that has no index"


class ChosenFile(NamedTuple):
    """An open file, and what its answer says of it: who has it closes `fd`."""

    fd: int
    facts: FileFacts


def choose_file(
    files: StaticFiles,
    folder: PublicFolder,
    name: bytes,
    accepted: bytes | None,
    opened: OpenFile | None = None,
) -> ChosenFile | Instead:
    """Open the file for a name from `name_of`. `accepted`: the client's Accept-Encoding, if any.

    `opened`: it is open already, by `look_within`. Raises: OSError.
    """
    found = _find(files, folder, name, opened)
    if isinstance(found, Instead):
        return found
    file, called, cache = found
    coding = b""
    if accepted is not None and media_type(called)[1]:
        file, coding = _smaller(folder, file, called, accepted)
    key = called, coding, cache
    facts = folder.facts.find(key, file.status)
    if facts is None:
        kind, varies = media_type(called)
        facts = _facts(file.status, kind, coding, varies, cache)
        folder.facts.keep(key, file.status, facts)
    return ChosenFile(file.fd, facts)


def look_within(folder: PublicFolder, path: bytes, stem: bytes) -> tuple[bytes, OpenFile | None]:
    """Return the path that is to be looked for below a folder, of a request whose route takes all
    that begins with `stem`: as it is, or, where there is nothing, what comes behind that. The
    former also with the file, where it is one, which is for `choose_file`.

    The first is `root` of an nginx.conf, the second `alias`; both are what people mean. b"" is the
    folder itself, without a slash.
    """
    name = name_of(path)
    if name is None:
        return path, None
    try:
        found = folder.open(name.rstrip(b"/"))
    except OSError:
        return path[len(stem) :], None
    if found.is_folder or name[-1:] == b"/":
        os.close(found.fd)
        return path, None
    return path, found


def _find(
    files: StaticFiles, folder: PublicFolder, name: bytes, opened: OpenFile | None
) -> tuple[OpenFile, bytes, bytes] | Instead:
    """Return the file for a name, what it is called, and how long it may be kept."""
    wants_folder = not name or name[-1:] == b"/"
    called = name + os.fsencode(files.index) if wants_folder else name
    try:
        found = opened or folder.open(called)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        if wants_folder and files.listing and folder.has(name, folder=True):
            return Instead.LISTING
    else:
        if not found.is_folder:
            return found, called, ASK_AGAIN if files.max_age is None else _kept(files.max_age)
        os.close(found.fd)
        # A folder of an application's files may be called like one of its pages.
        index = b"%b/%b" % (name, os.fsencode(files.index))
        page = files.spa and not files.listing and not folder.has(index)
        if not wants_folder and not page:
            return Instead.REDIRECT
    found = _page(files, folder, name)
    return found, os.fsencode(files.index), ASK_AGAIN  # tomorrow there may be a file of that name


def _page(files: StaticFiles, folder: PublicFolder, name: bytes) -> OpenFile:
    """Return what an application answers for one of its pages."""
    if files.spa and not looks_like_a_file(name.rstrip(b"/")):
        found = folder.open(os.fsencode(files.index))
        if not found.is_folder:
            return found
        os.close(found.fd)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _smaller(
    folder: PublicFolder, file: OpenFile, called: bytes, accepted: bytes
) -> tuple[OpenFile, bytes]:
    """Return a compressed copy of a file, and its coding, if there is one that the client takes;
    else the file itself, and b"". A copy that is older is one of what the file was before.
    """
    for suffix, coding in stored_codings(accepted):
        try:
            copy = folder.open(called + suffix)
        except OSError:
            continue
        if not copy.is_folder and copy.status.st_mtime_ns >= file.status.st_mtime_ns:
            os.close(file.fd)
            return copy, coding
        os.close(copy.fd)
    return file, b""


def _facts(
    status: os.stat_result, kind: bytes, coding: bytes, varies: bool, cache: bytes
) -> FileFacts:
    now = time.time()
    size = status.st_size
    etag = etag_of(status.st_ino, status.st_ctime_ns, size)
    modified = min(status.st_mtime_ns // _SECOND, int(now))
    validators = Validators(etag, modified, modified <= now - 1)
    return FileFacts(size, validators, kind, coding, varies, cache)


def _kept(max_age: float) -> bytes:
    return b"max-age=%d" % max_age
