"""What kind of file a name tells of: a table of its own, the same on every machine.

Python's `mimetypes` would read /etc/mime.types, too, and knows little of what browsers load: a
module with another type than a script's isn't run, and WebAssembly is compiled only half as fast.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

UNKNOWN: Final = b"application/octet-stream"
_TABLE: Final = """
text/html                           html htm
text/css                            css
text/javascript                     js mjs cjs
text/plain                          txt text log conf ini c h ksh pl srt bat
text/markdown                       md markdown
text/csv                            csv
text/calendar                       ics
text/tab-separated-values           tsv
text/vtt                            vtt
text/xml                            xml
text/n3                             n3
text/richtext                       rtx
text/x-python                       py
text/x-setext                       etx
text/x-sgml                         sgm sgml
text/x-vcard                        vcf
application/json                    json map
application/ld+json                 jsonld
application/geo+json                geojson
application/manifest+json           webmanifest
application/yaml                    yaml yml
application/toml                    toml
application/wasm                    wasm
application/xml                     xsl rdf wsdl xpdl xsd
application/xhtml+xml               xhtml xht
application/atom+xml                atom
application/rss+xml                 rss
application/dash+xml                mpd
application/n-quads                 nq
application/n-triples               nt
application/trig                    trig
application/pdf                     pdf
application/rtf                     rtf
application/msword                  doc dot wiz
application/vnd.ms-excel            xls xlb
application/vnd.ms-powerpoint       ppt pot ppa pps pwz
application/vnd.openxmlformats-officedocument.wordprocessingml.document    docx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet          xlsx
application/vnd.openxmlformats-officedocument.presentationml.presentation  pptx
application/vnd.oasis.opendocument.text                                    odt
application/vnd.oasis.opendocument.spreadsheet                             ods
application/vnd.apple.mpegurl       m3u m3u8
application/vnd.ms-fontobject       eot
application/vnd.android.package-archive                                    apk
application/epub+zip                epub
application/java-archive            jar war
application/octet-stream            bin a dll exe o obj so dmg iso img br
application/oda                     oda
application/pkcs7-mime              p7c
application/postscript              ps ai eps
application/sql                     sql
application/zip                     zip
application/gzip                    gz tgz
application/zstd                    zst
application/vnd.rar                 rar
application/x-7z-compressed         7z
application/x-bzip2                 bz2
application/x-xz                    xz
application/x-tar                   tar
application/x-bcpio                 bcpio
application/x-cpio                  cpio
application/x-csh                   csh
application/x-dvi                   dvi
application/x-gtar                  gtar
application/x-hdf                   hdf
application/x-hdf5                  h5
application/x-latex                 latex
application/x-mif                   mif
application/x-netcdf                cdf nc
application/x-pkcs12                p12 pfx
application/x-pn-realaudio          ram
application/x-python-code           pyc pyo
application/x-sh                    sh
application/x-shar                  shar
application/x-shockwave-flash       swf
application/x-sv4cpio               sv4cpio
application/x-sv4crc                sv4crc
application/x-tcl                   tcl
application/x-tex                   tex
application/x-texinfo               texi texinfo
application/x-troff                 roff t tr
application/x-troff-man             man
application/x-troff-me              me
application/x-troff-ms              ms
application/x-ustar                 ustar
application/x-wais-source           src
audio/3gpp                          3gp 3gpp
audio/3gpp2                         3g2 3gpp2
audio/aac                           aac adts loas ass
audio/basic                         au snd
audio/flac                          flac
audio/midi                          mid midi
audio/mp4                           m4a
audio/mpeg                          mp3 mp2
audio/ogg                           oga ogg
audio/opus                          opus
audio/webm                          weba
audio/x-aiff                        aif aifc aiff
audio/x-pn-realaudio                ra
audio/x-wav                         wav
font/otf                            otf
font/ttf                            ttf
font/woff                           woff
font/woff2                          woff2
image/apng                          apng
image/avif                          avif
image/bmp                           bmp
image/gif                           gif
image/heic                          heic
image/heif                          heif
image/ief                           ief
image/jpeg                          jpg jpe jpeg
image/jxl                           jxl
image/png                           png
image/svg+xml                       svg
image/tiff                          tiff tif
image/vnd.microsoft.icon            ico cur
image/webp                          webp
image/x-cmu-raster                  ras
image/x-portable-anymap             pnm
image/x-portable-bitmap             pbm
image/x-portable-graymap            pgm
image/x-portable-pixmap             ppm
image/x-rgb                         rgb
image/x-xbitmap                     xbm
image/x-xpixmap                     xpm
image/x-xwindowdump                 xwd
message/rfc822                      eml mht mhtml nws
model/gltf+json                     gltf
model/gltf-binary                   glb
video/mp2t                          ts m2ts
video/mp4                           mp4 m4v
video/mpeg                          mpeg m1v mpa mpe mpg
video/ogg                           ogv
video/quicktime                     mov qt
video/webm                          webm
video/x-matroska                    mkv
video/x-msvideo                     avi
video/x-sgi-movie                   movie
"""


def _read(table: str) -> dict[bytes, bytes]:
    found = {}
    for line in table.split("\n"):
        kind, *suffixes = line.encode().split() or [b""]
        if kind.startswith(b"text/") and kind != b"text/xml":  # which names its charset itself
            kind += b"; charset=utf-8"
        found.update(dict.fromkeys(suffixes, kind))
    return found


MEDIA_TYPES: Final = _read(_TABLE)  # suffix, without its dot → value of Content-Type
# Compressed once already: nobody lays a smaller one beside it.
_PACKED: Final = (b"audio/", b"video/", b"image/", b"font/woff", b"application/epub",
                  b"application/java", b"application/vnd.android", b"application/vnd.oasis",
                  b"application/vnd.openxml", b"application/vnd.rar", b"application/x-7z",
                  b"application/x-bzip2", b"application/x-xz", b"application/zip",
                  b"application/gzip", b"application/zstd")  # fmt: skip
_YET: Final = frozenset((b"image/svg+xml", b"image/bmp", b"image/vnd.microsoft.icon"))


@lru_cache(maxsize=1024)
def media_type(name: bytes) -> tuple[bytes, bool]:
    """The Content-Type of a file with that name, and whether a compressed one may lie beside it."""
    _, dot, suffix = name[name.rfind(b"/") + 1 :].rpartition(b".")
    kind = MEDIA_TYPES.get(suffix.lower(), UNKNOWN) if dot else UNKNOWN
    return kind, kind in _YET or not kind.startswith(_PACKED)
