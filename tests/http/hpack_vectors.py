"""RFC 7541 as data: the examples of its appendix C, and what is no block."""

from __future__ import annotations

Fields = list[tuple[bytes, bytes]]

_MAKE = (b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/")
_HOST = (b":authority", b"www.example.com")
_CACHE = (b"cache-control", b"no-cache")
_KEY = (b"custom-key", b"custom-value")
_CUSTOM: Fields = [
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":path", b"/index.html"),
    _HOST,
    _KEY,
]
_PRIVATE = (b"cache-control", b"private")
_LOCATION = (b"location", b"https://www.example.com")
_DATE = (b"date", b"Mon, 21 Oct 2013 20:13:21 GMT")
_LATER = (b"date", b"Mon, 21 Oct 2013 20:13:22 GMT")
_GZIP = (b"content-encoding", b"gzip")
_COOKIE = (b"set-cookie", b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1")
_302, _307, _200 = (b":status", b"302"), (b":status", b"307"), (b":status", b"200")

_REQUESTS: list[tuple[Fields, Fields]] = [  # fields, and the table behind them
    ([*_MAKE, _HOST], [_HOST]),
    ([*_MAKE, _HOST, _CACHE], [_CACHE, _HOST]),
    (_CUSTOM, [_KEY, _CACHE, _HOST]),
]
_ANSWERS: list[tuple[Fields, Fields]] = [
    ([_302, _PRIVATE, _DATE, _LOCATION], [_LOCATION, _DATE, _PRIVATE, _302]),
    ([_307, _PRIVATE, _DATE, _LOCATION], [_307, _LOCATION, _DATE, _PRIVATE]),
    ([_200, _PRIVATE, _LATER, _LOCATION, _GZIP, _COOKIE], [_COOKIE, _GZIP, _LATER]),
]


def _with(
    wires: list[str], meaning: list[tuple[Fields, Fields]]
) -> list[tuple[str, Fields, Fields]]:
    return [(wire, *each) for wire, each in zip(wires, meaning, strict=True)]


# Name, size of the table, and the messages of one connection.
EXAMPLES: list[tuple[str, int, list[tuple[str, Fields, Fields]]]] = [
    (
        "C.2.1",
        4096,
        [
            (
                "400a637573746f6d2d6b65790d637573746f6d2d686561646572",
                [(b"custom-key", b"custom-header")],
                [(b"custom-key", b"custom-header")],
            )
        ],
    ),
    ("C.2.2", 4096, [("040c2f73616d706c652f70617468", [(b":path", b"/sample/path")], [])]),
    ("C.2.3", 4096, [("100870617373776f726406736563726574", [(b"password", b"secret")], [])]),
    ("C.2.4", 4096, [("82", [(b":method", b"GET")], [])]),
    (
        "C.3",
        4096,
        _with(
            [
                "828684410f7777772e6578616d706c652e636f6d",
                "828684be58086e6f2d6361636865",
                "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
            ],
            _REQUESTS,
        ),
    ),
    (
        "C.4",
        4096,
        _with(
            [
                "828684418cf1e3c2e5f23a6ba0ab90f4ff",
                "828684be5886a8eb10649cbf",
                "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
            ],
            _REQUESTS,
        ),
    ),
    (
        "C.5",
        256,
        _with(
            [
                (
                    "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a3231"
                    "20474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d"
                ),
                "4803333037c1c0bf",
                (
                    "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a697077"
                    "38666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d616765"
                    "3d333630303b2076657273696f6e3d31"
                ),
            ],
            _ANSWERS,
        ),
    ),
    (
        "C.6",
        256,
        _with(
            [
                (
                    "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad17"
                    "1863c78f0b97c8e9ae82ae43d3"
                ),
                "4883640effc1c0bf",
                (
                    "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6"
                    "c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"
                ),
            ],
            _ANSWERS,
        ),
    ),
]

# What is wrong, and the block. Each stays wrong behind other fields, and with a field in the table.
MALFORMED: list[tuple[str, str]] = [
    ("the number 0", "80"),
    ("a number that nothing has", "bf"),
    ("the number behind all", "ffe5ff00"),
    ("a large number that nothing has", "ff80808008"),
    ("a name of no field", "7f0161"),
    ("a name of no field, not indexed", "0f300161"),
    ("a name of no field, never indexed", "1f300161"),
    ("an integer without end", "ff" + "80" * 40),
    ("an integer of six octets more", "ff808080808000"),
    ("an integer of six octets more, all zero but one", "ff838080808000"),
    ("an integer cut off at once", "ff"),
    ("an integer cut off later", "ff8080"),
    ("a size beyond the announced one", "3fe21f"),
    ("a size far beyond it", "3fffffffff0f"),
    ("a size behind a field", "8220"),
    ("a size behind a literal", "000161016220"),
    ("a size cut off", "3f"),
    ("a name longer than its block", "000561"),
    ("a value longer than its block", "0001610562"),
    ("a value that is missing", "000161"),
    ("an indexed name, and no value", "04"),
    ("a literal of nothing", "40"),
    ("a length cut off", "00017f"),
    ("a length of many octets", "00" + "7f" + "80" * 5 + "01"),
    ("a length of 2^32", "0001617f81ffffff0f62"),
    # Huffman's code (§5.2)
    ("padding that is not of ones", "0001618118"),
    ("padding of zeros", "0001618100"),
    ("padding of eight ones", "000161821fff"),
    ("padding of eight ones and nothing else", "00016181ff"),
    ("EOS", "00016184ffffffff"),
    ("EOS, and padding", "000161851ffffffffc"),
    ("EOS within a string", "00016186fffffffc1fff"),
    ("a symbol cut off", "00016182fffe"),
    ("a name whose padding is wrong", "0081180162"),
]
