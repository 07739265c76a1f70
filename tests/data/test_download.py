"""Downloads from a local server that misbehaves in every way a real one does."""

import errno
import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deeprec.data import download as module
from deeprec.data.download import Checksum, DownloadError, download
from deeprec.runtime.files import InputError

DATA = bytes(range(256)) * 4000  # a megabyte
RIGHT = Checksum("md5", hashlib.md5(DATA).hexdigest(), len(DATA))
Answer = Callable[["Server", int], None]


class Server(BaseHTTPRequestHandler):
    """Answers each request with the next of `answers`, the last for ever; `starts` are what was asked for."""

    answers: list[Answer]
    starts: list[int]

    def do_GET(self) -> None:
        start = int(self.headers["Range"].removeprefix("bytes=").rstrip("-"))
        self.starts.append(start)
        self.answers[min(len(self.starts), len(self.answers)) - 1](self, start)
        self.close_connection = True

    def reply(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        headers = {"Content_Length": str(len(body)), **headers}
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


def whole(server: Server, start: int) -> None:
    """Grant the range, as a good server does."""
    if start >= len(DATA):
        return server.reply(416, b"")
    if start:
        return server.reply(206, DATA[start:], Content_Range=f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
    return server.reply(200, DATA)


def drop_after(n: int) -> Answer:
    """Grant the range, but drop the connection after `n` bytes."""

    def answer(server: Server, start: int) -> None:
        server.send_response(206 if start else 200)
        server.send_header("Content-Length", str(len(DATA) - start))
        if start:
            server.send_header("Content-Range", f"bytes {start}-{len(DATA) - 1}/{len(DATA)}")
        server.end_headers()
        server.wfile.write(DATA[start : start + n])

    return answer


def ignore_range(server: Server, start: int) -> None:
    server.reply(200, DATA)


def ignore_range_and_drop(server: Server, start: int) -> None:
    server.reply(200, DATA[:1000], Content_Length=str(len(DATA)))


def status(code: int) -> Answer:
    return lambda server, start: server.reply(code, b"sorry")


@contextmanager
def serving(*answers: Answer) -> Iterator[tuple[str, list[int]]]:
    """Yield the address of a server on this machine, and the starts of the ranges that it is asked for."""
    handler = type("Handler", (Server,), {"answers": list(answers), "starts": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/file.bin", handler.starts
        finally:
            server.shutdown()
            thread.join()


def fetch(url: str, path: Path, checksum: Checksum | None = RIGHT) -> list[float]:
    """Download without waiting; return the pauses that were asked for."""
    pauses: list[float] = []
    download(url, path, checksum, sleep=pauses.append)
    return pauses


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


@pytest.mark.parametrize("checksum", [RIGHT, None])
def test_fetches_a_file_into_a_new_folder(checksum: Checksum | None, tmp_path: Path) -> None:
    path = tmp_path / "raw" / "file.bin"
    with serving(whole) as (url, starts):
        assert fetch(url, path, checksum) == []
    assert path.read_bytes() == DATA
    assert starts == [0]
    assert list(path.parent.iterdir()) == [path]


def test_goes_on_where_the_connection_dropped(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    with serving(drop_after(300_000), drop_after(300_000), whole) as (url, starts):
        pauses = fetch(url, path)
    assert path.read_bytes() == DATA
    assert starts == [0, 300_000, 600_000]
    assert pauses == [1, 1]  # what brings something new is no failure


def test_a_hundred_drops_do_not_end_a_download_that_gets_on(tmp_path: Path) -> None:
    with serving(drop_after(20_000)) as (url, starts):
        fetch(url, tmp_path / "file.bin")
    assert len(starts) == 52


def test_part_file_survives_for_the_next_call(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    part_of(path).write_bytes(DATA[:123_456])
    with serving(whole) as (url, starts):
        fetch(url, path)
    assert starts == [123_456]
    assert path.read_bytes() == DATA


def test_whole_part_file_needs_no_request(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    part_of(path).write_bytes(DATA)
    with serving(status(500)) as (url, starts):
        fetch(url, path)
    assert (starts, path.read_bytes()) == ([], DATA)


def test_part_file_without_a_checksum_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    part_of(path).write_bytes(b"of an older version")
    with serving(whole) as (url, _):
        fetch(url, path, None)
    assert path.read_bytes() == DATA


def test_part_file_longer_than_the_file_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    part_of(path).write_bytes(DATA + b"more")
    with serving(whole) as (url, starts):
        fetch(url, path)
    assert starts == [len(DATA) + 4, 0]
    assert path.read_bytes() == DATA


def test_starts_again_where_range_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    part_of(path).write_bytes(b"x" * 5000)
    with serving(ignore_range) as (url, starts):
        fetch(url, path)
    assert starts == [5000]
    assert path.read_bytes() == DATA


def test_gives_up_where_range_is_ignored_and_every_try_drops(tmp_path: Path) -> None:
    with (
        serving(ignore_range_and_drop) as (url, starts),
        pytest.raises(DownloadError, match="gave up after 4 tries"),
    ):
        fetch(url, tmp_path / "file.bin")
    assert len(starts) == 5  # the first brought something


def test_file_of_unknown_length_is_fetched(tmp_path: Path) -> None:
    def chunked(server: Server, start: int) -> None:
        server.protocol_version = "HTTP/1.1"
        server.send_response(200)
        server.send_header("Transfer-Encoding", "chunked")
        server.end_headers()
        for at in range(0, len(DATA), 100_000):
            chunk = DATA[at : at + 100_000]
            server.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        server.wfile.write(b"0\r\n\r\n")

    with serving(chunked) as (url, _):
        fetch(url, tmp_path / "file.bin", None)
    assert (tmp_path / "file.bin").read_bytes() == DATA


def test_wrong_range_is_not_appended(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    part_of(path).write_bytes(DATA[:1000])

    def elsewhere(server: Server, start: int) -> None:
        server.reply(206, DATA[500:], Content_Range=f"bytes 500-{len(DATA) - 1}/{len(DATA)}")

    with serving(elsewhere, whole) as (url, _):
        fetch(url, path)
    assert path.read_bytes() == DATA


def test_server_that_promises_too_much_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"

    def boast(server: Server, start: int) -> None:
        server.reply(200, DATA, Content_Length=str(len(DATA) + 10))

    with serving(boast) as (url, _), pytest.raises(DownloadError, match="gave up"):
        fetch(url, path, None)
    assert not path.exists()


def test_server_that_promises_too_little_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"

    def belittle(server: Server, start: int) -> None:
        server.reply(200, DATA, Content_Length="1000")

    with serving(belittle) as (url, _), pytest.raises(InputError, match="1,000 bytes; expected 1,024,000"):
        fetch(url, path)
    assert list(tmp_path.iterdir()) == []


def test_wrong_file_is_refused_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    wrong = bytes(len(DATA))
    with (
        serving(lambda server, start: server.reply(200, wrong)) as (url, _),
        pytest.raises(InputError, match=rf"md5 {hashlib.md5(wrong).hexdigest()}; expected {RIGHT.digest}"),
    ):
        fetch(url, path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [403, 404])
def test_refusal_is_final(code: int, tmp_path: Path) -> None:
    with serving(status(code)) as (url, starts), pytest.raises(DownloadError, match=f"{code}"):
        fetch(url, tmp_path / "file.bin")
    assert len(starts) == 1


@pytest.mark.parametrize("code", [429, 500, 503])
def test_busy_server_is_asked_again_ever_later(code: int, tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    with serving(status(code), status(code), status(code), whole) as (url, _):
        assert fetch(url, path) == [1, 2, 4]
    assert path.read_bytes() == DATA


def test_broken_server_is_given_up(tmp_path: Path) -> None:
    with (
        serving(status(500)) as (url, starts),
        pytest.raises(DownloadError, match=r"gave up after 4 tries .*500"),
    ):
        fetch(url, tmp_path / "file.bin")
    assert len(starts) == 4


def test_no_server_is_given_up(tmp_path: Path) -> None:
    with serving(whole) as (url, _):
        pass
    with pytest.raises(DownloadError, match="gave up after 4 tries"):
        fetch(url, tmp_path / "file.bin")


def test_bad_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="nowhere"):
        fetch("http://:99999/nowhere", tmp_path / "file.bin")


def test_file_that_is_there_is_kept_if_it_is_right(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(DATA)
    with serving(whole) as (url, starts):
        fetch(url, path)
        assert starts == []
        path.write_bytes(b"damaged")
        fetch(url, path)
    assert path.read_bytes() == DATA


def test_full_disk_is_told_and_the_part_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def receive(response: object, part: Path, have: int, expected: int) -> None:
        part.write_bytes(DATA[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_receive", receive)
    path = tmp_path / "file.bin"
    with serving(whole) as (url, _), pytest.raises(DownloadError, match=r"file.bin.part: no space left"):
        fetch(url, path)
    assert list(tmp_path.iterdir()) == [part_of(path)]
