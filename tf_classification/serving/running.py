"""Listens, serves, and stops without breaking off what it is answering."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket

import uvicorn

from database_tools.core.errors import UserError
from tf_classification.models.bundle import Bundle
from tf_classification.serving.app import Limits, Server
from tf_classification.serving.servable import Servable

__all__ = ["Limits", "serve"]

log = logging.getLogger(__name__)


def serve(bundle: Bundle, name: str, limits: Limits, *, host: str, port: int) -> None:
    """Serve a bundle until the process is asked to stop (SIGINT, SIGTERM).

    Then no new connection is taken, and requests under way are answered first, as long as
    ``limits.seconds``.

    Raises:
        UserError: if the address cannot be listened on.
    """
    with _listening(host, port) as listening:  # before the model is loaded, which takes seconds
        servable = Servable(bundle)
        servable.warm_up(limits.batch_size)
        log.info("model %s version %d: %s", name, bundle.version, bundle.path)
        config = uvicorn.Config(
            Server(servable, name, limits).app(),
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=int(limits.seconds) + 1,
        )
        # uvicorn raises the signal again once it has stopped; the stop was asked for
        with contextlib.suppress(KeyboardInterrupt):
            _Server(config, f"/v1/models/{name}:predict").run(sockets=[listening])
    log.info("stopped")


class _Server(uvicorn.Server):
    """Says where it listens once it does, and once signals stop it gently."""

    def __init__(self, config: uvicorn.Config, path: str) -> None:
        super().__init__(config)
        self._path = path

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            host, port = listening.getsockname()[:2]
            shown = f"[{host}]" if ":" in host else host
            log.info("listening on http://%s:%d%s", shown, port, self._path)


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except socket.gaierror as error:
        raise UserError(f"--host {host}: {error.strerror}") from None
    except OSError as error:
        reason = "is in use" if error.errno == errno.EADDRINUSE else f"{error.strerror}"
        raise UserError(f"cannot listen on {host}:{port}: it {reason}") from None
    return listening
