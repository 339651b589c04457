"""A service of gRPC whose messages are plain bytes, so that nothing has to be generated for it.

Started by rpx: it listens at PORT. Its answers name its process in the metadata.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

LARGEST = 64 << 20  # bytes of a message
CODES = {code.name.encode(): code for code in grpc.StatusCode}
cancelled = threading.Semaphore(0)  # calls of `Wait` that were


def unary(message: bytes, context: grpc.ServicerContext) -> bytes:
    """Return the message; `fail CODE` fails so, with a text that is not ASCII."""
    context.send_initial_metadata((("pid", str(os.getpid())),))
    context.set_trailing_metadata((("behind", "yes"),))
    if message.startswith(b"fail "):
        context.abort(CODES[message[5:]], "nö: 100%")
    return message


def down(message: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    """Return so many messages."""
    context.send_initial_metadata((("pid", str(os.getpid())),))
    for number in range(int(message)):
        yield b"%d" % number


def up(messages: Iterator[bytes], _: grpc.ServicerContext) -> bytes:
    """Return how many there were, and how many bytes."""
    sizes = [len(each) for each in messages]
    return b"%d %d" % (len(sizes), sum(sizes))


def both(messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    """Return each as it comes."""
    context.send_initial_metadata((("pid", str(os.getpid())),))
    yield from messages


def wait(_: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    """Say something, and then wait until the call is over."""
    yield b"%d" % os.getpid()
    while context.is_active():
        time.sleep(0.01)
    cancelled.release()


def been_cancelled(_: bytes, __: grpc.ServicerContext) -> bytes:
    """Return whether one has been, within a while."""
    return b"yes" if cancelled.acquire(timeout=30) else b"no"


def handlers() -> grpc.GenericRpcHandler:
    """The service `Echo`."""
    return grpc.method_handlers_generic_handler(
        "Echo",
        {
            "Unary": grpc.unary_unary_rpc_method_handler(unary),
            "Down": grpc.unary_stream_rpc_method_handler(down),
            "Up": grpc.stream_unary_rpc_method_handler(up),
            "Both": grpc.stream_stream_rpc_method_handler(both),
            "Wait": grpc.unary_stream_rpc_method_handler(wait),
            "Cancelled": grpc.unary_unary_rpc_method_handler(been_cancelled),
        },
    )


def main() -> None:
    """Serve until terminated."""
    options = [("grpc.max_receive_message_length", LARGEST), ("grpc.so_reuseport", 0)]
    server = grpc.server(ThreadPoolExecutor(20), options=options)
    server.add_generic_rpc_handlers((handlers(),))
    place = f"127.0.0.1:{os.environ['PORT']}"
    if sealed := os.environ.get("TLS"):  # a file with a certificate and its key
        pem = Path(sealed).read_bytes()
        server.add_secure_port(place, grpc.ssl_server_credentials(((pem, pem),)))
    else:
        server.add_insecure_port(place)
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
