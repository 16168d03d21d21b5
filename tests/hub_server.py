"""A hub on this machine: repositories with commits, large files on another host, and faults.

It speaks as much of the protocol as huggingface_hub's client uses: the listing of a repository,
HEAD and GET of a file, ranges, redirects and error codes. Enter at `serving`.
"""

import hashlib
import json
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """One request that came."""

    server: str  # "hub" or "cdn"
    method: str
    path: str
    range: str | None
    token: str | None  # the whole Authorization header
    agent: str


@dataclass(frozen=True)
class Published:
    """A repository at one commit."""

    files: dict[str, bytes]
    large: frozenset[str]  # kept apart, as git-lfs does
    license: str | None
    declared: dict[str, bytes]  # file → bytes whose digest is told instead of its own


@dataclass
class Hub:
    """What the server holds, what went wrong, and what it was asked."""

    url: str = ""
    cdn: str = ""
    commits: dict[tuple[str, str], Published] = field(default_factory=dict)
    branches: dict[tuple[str, str], str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    web: dict[str, bytes] = field(default_factory=dict)  # path → a plain file
    cuts: dict[str, list[int]] = field(default_factory=dict)  # end of path → bytes until each cut
    statuses: dict[str, list[int]] = field(default_factory=dict)  # end of path → answers to come
    moved: dict[str, str] = field(default_factory=dict)  # path → where it is now
    headers: dict[str, dict[str, str]] = field(default_factory=dict)  # end of path → to say too
    endless: set[str] = field(default_factory=set)  # ends of paths whose bodies never end
    telling: Literal["digests", "names"] = "digests"  # what the listing says of files
    ranges: bool = True
    log: list[Request] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)  # set: a held body may go on
    came: threading.Condition = field(default_factory=threading.Condition)  # with each request

    def publish(
        self,
        repository: str,
        files: dict[str, bytes],
        *,
        large: tuple[str, ...] = ("model.safetensors",),
        license: str | None = "mit",
        declared: dict[str, bytes] | None = None,
        branch: str = "main",
    ) -> str:
        """Add a commit and return its name."""
        commit = git_sha1(json.dumps(sorted((n, git_sha1(b)) for n, b in files.items())).encode())
        self.commits[repository, commit] = Published(
            files, frozenset(large) & files.keys(), license, declared or {}
        )
        self.branches[repository, branch] = commit
        return commit

    def wait_for(self, path: str, times: int) -> None:
        """Wait until something was asked for so often."""
        with self.came:
            assert self.came.wait_for(
                lambda: [one.path for one in self.log].count(path) >= times, timeout=120
            )

    def bodies(self, name: str = "") -> list[Request]:
        """Return the requests for bytes of files whose path ends so."""
        return [
            one
            for one in self.log
            if one.method == "GET" and "/api/" not in one.path and one.path.endswith(name)
        ]


def git_sha1(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """Answers for one of the two hosts."""

    protocol_version = "HTTP/1.1"
    hub: ClassVar[Hub]
    server_name: ClassVar[str]

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = self.headers
        request = Request(
            self.server_name,
            self.command,
            path,
            headers.get("Range"),
            headers.get("Authorization"),
            headers.get("User-Agent", ""),
        )
        with self.hub.came:
            self.hub.log.append(request)
            self.hub.came.notify_all()
        status = next_of(self.hub.statuses, path)
        if status is not None:
            self.answer(status, b"", {})
        elif path in self.hub.moved:
            self.answer(302, b"", {"Location": self.hub.moved[path]})
        elif path in self.hub.web:
            self.send_file(path, self.hub.web[path], {})
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self.list_repository(match[1], match[2] or "main")
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self.resolve(match[1], match[2], match[3])
        else:
            self.answer(404, b"", {})

    def find(self, repository: str, revision: str) -> tuple[str, Published] | None:
        """Return a commit, or answer why not."""
        hub = self.hub
        if not any(name == repository for name, _ in hub.branches):
            self.answer(401, b"", {"X-Error-Code": "RepoNotFound"})
            return None
        if repository in hub.gated and self.headers.get("Authorization") != "Bearer hf_good":
            self.answer(401, b"", {"X-Error-Code": "GatedRepo"})
            return None
        commit = hub.branches.get((repository, revision), revision)
        if (repository, commit) not in hub.commits:
            self.answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
            return None
        return commit, hub.commits[repository, commit]

    def list_repository(self, repository: str, revision: str) -> None:
        found = self.find(repository, revision)
        if found is None:
            return
        commit, published = found
        siblings: list[dict[str, object]] = []
        for name, content in published.files.items():
            told = published.declared.get(name, content)
            sibling: dict[str, object] = {
                "rfilename": name,
                "size": len(content),
                "blobId": git_sha1(told),
            }
            if name in published.large:
                sibling["lfs"] = {"sha256": sha256(told), "size": len(content), "pointerSize": 134}
            siblings.append(sibling if self.hub.telling == "digests" else {"rfilename": name})
        card = {"license": published.license} if published.license else None
        body = {"id": repository, "sha": commit, "siblings": siblings, "cardData": card}
        self.answer(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def resolve(self, repository: str, revision: str, name: str) -> None:
        found = self.find(repository, revision)
        if found is None:
            return
        commit, published = found
        headers = {"X-Repo-Commit": commit}
        if name not in published.files:
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound", **headers})
            return
        content = published.files[name]
        told = published.declared.get(name, content)
        if name not in published.large:
            self.send_file(self.path, content, {"ETag": f'"{git_sha1(told)}"', **headers})
            return
        where = f"/cdn/{repository}/{commit}/{name}"
        self.hub.web[where] = content
        headers |= {"X-Linked-Etag": f'"{sha256(told)}"', "X-Linked-Size": str(len(content))}
        self.answer(302, b"", {"Location": f"{self.hub.cdn}{where}", **headers})

    def send_file(self, path: str, content: bytes, headers: dict[str, str]) -> None:
        """Send a file or the rest of it, all or until the cut."""
        for end, more in self.hub.headers.items():
            headers = headers | (more if path.endswith(end) else {})
        if any(path.endswith(end) for end in self.hub.endless):
            self.send_without_end(headers)
            return
        asked = self.headers.get("Range")
        status, first = 200, 0
        if asked and self.hub.ranges:
            status, first = 206, int(asked.removeprefix("bytes=").partition("-")[0])
            if first >= len(content):
                self.answer(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            headers = headers | {
                "Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"
            }
        self.answer(status, content[first:], headers, cut=next_of(self.hub.cuts, path))

    def send_without_end(self, headers: dict[str, str]) -> None:
        """Send bytes until whoever asked goes away."""
        self.send_response(200)
        for name, value in {"Transfer-Encoding": "chunked", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.close_connection = True
        with suppress(ConnectionError):
            while self.command == "GET":
                self.wfile.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")

    def answer(
        self, status: int, body: bytes, headers: dict[str, str], cut: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:cut])
        if cut is not None:
            self.wfile.flush()
            self.hub.held.wait()
            self.close_connection = True


def next_of(coming: dict[str, list[int]], path: str) -> int | None:
    """Take the next value that is meant for a path."""
    for end, values in coming.items():
        if path.endswith(end) and values:
            return values.pop(0)
    return None


class Server(ThreadingHTTPServer):
    """One host of the two."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that goes away, which is what killed downloads do."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving() -> Iterator[Hub]:
    """Serve a hub and its other host for as long as the block lasts."""
    hub = Hub()
    hub.held.set()
    servers = []
    for name in ("hub", "cdn"):
        kind = type("Handler", (Handler,), {"hub": hub, "server_name": name})
        server = Server(("127.0.0.1", 0), kind)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        servers.append((server, thread))
    hub.url, hub.cdn = (f"http://127.0.0.1:{server.server_port}" for server, _ in servers)
    try:
        yield hub
    finally:
        hub.held.set()
        for server, thread in servers:
            server.shutdown()
            thread.join()
            server.server_close()
