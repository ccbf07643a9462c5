"""One line in the log for each request: who, what, how it ended, how many bytes, how long.

Of the address it holds the path alone: the query may hold a photo's address with a password in it.
"""

from __future__ import annotations

import logging

from gateway.exchange import Exchange

logger = logging.getLogger("gateway.access")
_PATH = 200  # characters
_LINE = (
    "%(caller)s %(method)s %(path)r %(status)d, %(bytes_in)d bytes in, %(bytes_out)d out, %(seconds).3f s, "
    "%(request_id)s"
)


def write(exchange: Exchange) -> None:
    """Write the line of a request that is over."""
    scope = exchange.scope
    client = scope.get("client")
    facts = {
        "caller": scope["state"].get("caller") or (f"address {client[0]}" if client else "-"),
        "method": scope["method"],
        "path": scope["path"][:_PATH],
        "status": exchange.status,
        "bytes_in": exchange.bytes_in,
        "bytes_out": exchange.bytes_out,
        "seconds": round(exchange.seconds, 3),
        "request_id": scope["state"]["id"],
    }
    logger.info(_LINE, facts, extra=facts)
