"""The words of HTTP: bytes in, bytes out."""
