"""A server in a thread that plays a script: each request takes the next answer, the last one stays.

Never here: knowledge of any CRM; what a vendor would answer is written in the test that needs it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Answer:
    """One answer. length: the Content-Length to claim. drip: seconds before each byte."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    drip: float = 0.0


def as_json(data: Any, status: int = 200, **headers: str) -> Answer:
    """An answer holding this as JSON; header names with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(data).encode(), {"Content-Type": "application/json", **named})


@dataclass(frozen=True)
class Request:
    """What arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: str = ""


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}


class Server:
    """`script` is a list of answers, or a function from a request to its answer."""

    def __init__(self, script: list[Answer] | Callable[[Request], Answer]) -> None:
        self.requests: list[Request] = []
        self._script, self._lock = script, threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # else every answer waits 40 ms for a delayed ACK

            def _serve(self) -> None:
                outer._serve(self)

            do_GET = do_POST = _serve

            def log_message(self, *_: object) -> None:
                return None

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        sent = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
        request = Request(
            handler.command, parts.path, _flat(parts.query), dict(handler.headers.items()), _flat(sent), sent
        )
        with self._lock:
            self.requests.append(request)
            if callable(self._script):
                answer = self._script(request)
            else:
                answer = self._script[min(len(self.requests), len(self._script)) - 1]
        self._send(handler, answer)

    @staticmethod
    def _send(handler: BaseHTTPRequestHandler, answer: Answer) -> None:
        dated = "Date" in answer.headers  # else it is the time of this machine
        (handler.send_response_only if dated else handler.send_response)(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.status not in (204, 304):
            claimed = len(answer.body) if answer.length is None else answer.length
            handler.send_header("Content-Length", str(claimed))
        handler.end_headers()
        try:
            if answer.drip:
                for byte in answer.body:
                    time.sleep(answer.drip)
                    handler.wfile.write(bytes([byte]))
            else:
                handler.wfile.write(answer.body)
        except (BrokenPipeError, ConnectionResetError):
            handler.close_connection = True
        if answer.length is not None:
            handler.close_connection = True
