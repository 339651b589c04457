"""The path of one request, from the accepted socket to the last byte of the answer."""
