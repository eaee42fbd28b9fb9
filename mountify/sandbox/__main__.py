"""`python -m mountify.sandbox`: serve on 127.0.0.1 until SIGTERM or SIGINT."""

import argparse
import signal
import threading
from types import FrameType

from werkzeug.serving import WSGIRequestHandler, make_server

from . import track17
from .app import create_sandbox, webhooks_of
from .google_api.rules import CLIENT_ID, CLIENT_SECRET


class _Quiet(WSGIRequestHandler):
    """Log no requests: a payment page has nothing to say in a terminal."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Stay silent."""


def main() -> None:
    """Read the command line, serve, stop cleanly."""
    parser = argparse.ArgumentParser(prog="python -m mountify.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", required=True, help="folder of the sandbox's state")
    parser.add_argument("--webhook-url", required=True, help="where the shop takes Stripe's events")
    parser.add_argument("--webhook-secret", required=True)
    parser.add_argument(
        "--google-redirect", action="append", default=[], help="where Google may send a browser back to"
    )
    parser.add_argument("--track17-webhook-url", default="", help="where the shop takes 17TRACK's")
    parser.add_argument("--track17-key", default=track17.KEY, help="key of the sandbox's 17TRACK account")
    parser.add_argument("--public-url", help="how browsers reach it (default http://localhost:PORT)")
    options = parser.parse_args()
    public_url = options.public_url or f"http://localhost:{options.port}"
    app = create_sandbox(
        options.data,
        options.webhook_url,
        options.webhook_secret,
        public_url,
        google_redirects=options.google_redirect,
        track17_webhook_url=options.track17_webhook_url,
        track17_key=options.track17_key,
    )
    server = make_server("127.0.0.1", options.port, app, threaded=True, request_handler=_Quiet)

    def stop(signum: int, frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    for webhooks in webhooks_of(app):
        webhooks.start()
    print(f"sandbox ready on {public_url}", flush=True)
    print(f"Google's client is {CLIENT_ID}, its secret {CLIENT_SECRET}", flush=True)
    server.serve_forever(poll_interval=0.1)
    for webhooks in webhooks_of(app):
        webhooks.stop()
    server.server_close()


if __name__ == "__main__":
    main()
