"""`python -m gateway`: serve until told to stop; address, port and all else come from the environment."""

from __future__ import annotations

import logging
import resource
import sys
from functools import partial

import uvicorn
from starlette.types import ASGIApp

from gateway import traces
from gateway.lifetime import Server
from gateway.logs import log_to
from gateway.routes import create_app
from gateway.senders import BoundedProtocol, Bounds
from objectcut.settings import Settings

logger = logging.getLogger(__name__)
_LAST_ANSWERS_S = 5  # for answers that are on their way when all else is done


def configured(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Return how uvicorn serves the gateway."""
    bounds = Bounds(
        settings.connections,
        settings.connections_each,
        settings.pace,
        4 * settings.max_body_bytes,
        proxies=settings.proxies,
    )
    return uvicorn.Config(
        app,
        settings.host,
        settings.port,
        http=partial(BoundedProtocol, bounds),  # type: ignore[arg-type]  # called as the class that it wants
        ws="none",
        log_config=None,
        access_log=False,  # `accesslog` writes it, without queries
        forwarded_allow_ips=list(settings.proxies),
        timeout_graceful_shutdown=_LAST_ANSWERS_S,
    )


def main() -> None:
    """Serve until told to stop; address, port and all else come from the environment."""
    settings = Settings.from_environment()
    log_to(settings.log_file, settings.log_format)
    logger.info("ObjectCut settings: %s", settings.model_dump_json())
    _, most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))  # a connection is one
    app = create_app(settings)
    server = Server(configured(app, settings), app.state.lifetime)
    flush = traces.send_to(settings.traces) if settings.traces else None
    server.run()
    if flush is not None:
        flush()
    if not server.started:
        sys.exit(1)


if __name__ == "__main__":
    main()
