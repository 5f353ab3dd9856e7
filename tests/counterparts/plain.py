"""HTTP between processes of one machine."""

import ssl


def no_tls() -> ssl.SSLContext:
    """What a client verifies servers by that are never called over TLS: nothing. By default each client reads
    every authority of the machine first, which takes longer than most of what it is then asked for."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
