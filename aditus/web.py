"""The web server: `python -m aditus.web`, as many processes as the settings say, behind one port.

SIGTERM: no connection is accepted any more, calls under way are answered, for SHUTDOWN_SECONDS at most; what
is left then is broken off and settled. SIGHUP replaces the processes one by one.
"""

import sys
from argparse import ArgumentParser
from typing import Any

import uvicorn
from django.conf import settings

# Longer than proxies keep theirs (nginx: 60 s), so that none sends a request down a closed connection.
KEEP_ALIVE_SECONDS = 75
# A process that says nothing for so long is replaced. Importing everything on a busy machine takes a while.
HEALTHCHECK_SECONDS = 120
_APPLICATION = "aditus.asgi:application"


def main() -> None:
    parser = ArgumentParser(prog="python -m aditus.web", description="The console and the API.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    address = parser.parse_args()
    options: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "workers": settings.WEB_CONCURRENCY,
        "lifespan": "on",
        # The application's own, which a forked process has from its beginning.
        "log_config": None,
        # Aditus reads the proxies' headers itself (TRUSTED_PROXIES).
        "proxy_headers": False,
        "server_header": False,
        "timeout_keep_alive": KEEP_ALIVE_SECONDS,
        "timeout_graceful_shutdown": settings.SHUTDOWN_SECONDS,
        "timeout_worker_healthcheck": HEALTHCHECK_SECONDS,
    }
    # Elsewhere, macOS above all, a process may not use what its parent had loaded of the system.
    if settings.WEB_CONCURRENCY > 1 and sys.platform == "linux":
        from aditus.web_processes import WebProcesses

        config = uvicorn.Config(_APPLICATION, **options)
        WebProcesses(config, [config.bind_socket()]).run()
    else:
        uvicorn.run(_APPLICATION, **options)


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aditus.settings")
    main()
