"""The demo under load: latency, refusals, everybody's own picture, memory over time, and what is left on the disk.

python benchmarks/soak.py --clients 50 --requests 20 --minutes 30

It starts `app.py` on a free port of this machine. First every client sends its requests as fast as it gets answers,
then one photograph and one live frame after the other are sent for so many minutes, and the server's memory is read.
It then waits for a minute and counts what is left of the visitors' files.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from diat.photo import open_photo
from diat.pixels import U8
from diat.watermark import MOST

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "examples" / "grace_hopper.jpg"
BORDER = 8  # pixels of a client's own colour around its photograph
PATIENCE = 120  # seconds that a client waits for an answer
READ_EVERY = 5.0  # seconds between two readings of the memory


class Server:
    """The demo, started with a folder of its own for uploads."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.address, self.folder = f"http://127.0.0.1:{port}", folder
        variables = {**os.environ, "GRADIO_TEMP_DIR": str(folder), "HF_HUB_OFFLINE": "1"}
        self.process = subprocess.Popen([sys.executable, str(ROOT / "app.py"), "--port", str(port)], env=variables)
        for _ in range(400):
            try:
                urllib.request.urlopen(self.address, timeout=2)
                return
            except OSError:
                time.sleep(0.25)
        raise SystemExit("soak: the server did not start.")

    def mebibytes(self) -> float:
        """Its resident memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * 4096 / 2**20

    def files(self) -> int:
        """How many files of visitors lie on the disk."""
        return sum(len(files) for _, _, files in os.walk(self.folder)) - 1  # the lock is the server's own


def asked(address: str, data: bytes | None = None, kind: str = "application/json") -> bytes:
    request = urllib.request.Request(address, data, {"Content-Type": kind})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        content: bytes = answer.read()
    return content


def edited(server: Server, picture: U8) -> U8:
    """A photograph through upload, /edit and download."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    body = head + buffer.getvalue() + b"\r\n--b--\r\n"
    (path,) = json.loads(asked(f"{server.address}/gradio_api/upload", body, "multipart/form-data; boundary=b"))
    photo = {"path": path, "meta": {"_type": "gradio.FileData"}}
    data: list[Any] = [photo, "mouth_open", 1.0, [], True, False]
    event = json.loads(asked(f"{server.address}/gradio_api/call/edit", json.dumps({"data": data}).encode()))["event_id"]
    text = asked(f"{server.address}/gradio_api/call/edit/{event}").decode()
    result = json.loads(text.split("event: complete\ndata: ")[1].splitlines()[0])
    return open_photo(asked(f"{server.address}/gradio_api/file={result[2]['path']}")).pixels


def own(number: int, photo: U8) -> U8:
    """The photograph in a frame of the client's colour."""
    picture = photo.copy()
    picture[:BORDER] = (number * 37 % 250, number * 91 % 250, number * 5 % 250)
    return picture


def load(server: Server, clients: int, requests: int) -> None:
    """Every client sends its requests one after the other."""
    photo, seconds, outcomes, lock = open_photo(PHOTO).pixels, [], Counter[str](), threading.Lock()

    def visit(number: int) -> None:
        mine = own(number, photo)
        for _ in range(requests):
            start = time.monotonic()
            try:
                got = edited(server, mine)
                near = np.abs(got[:BORDER].astype(int) - mine[:BORDER]).max() <= MOST + 2
                outcome = "own picture" if near and (got != mine).any() else "SOMEBODY ELSE'S PICTURE"
            except urllib.error.HTTPError as error:
                hint = error.headers.get("Retry-After")
                outcome = f"{error.code}, Retry-After {hint}"
                time.sleep(float(hint or 0) / 10)
            except (OSError, IndexError) as error:
                outcome = type(error).__name__
            with lock:
                outcomes[outcome] += 1
                if outcome == "own picture":
                    seconds.append(time.monotonic() - start)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(visit, range(clients)))
    print(f"load: {clients} clients x {requests}: {dict(outcomes)}")
    if seconds:
        percentiles = " / ".join(f"{value:.1f}" for value in np.percentile(seconds, [50, 90, 99]))
        print(f"load: seconds to an own picture, p50 / p90 / p99: {percentiles} ({len(seconds)} answers)")


def soak(server: Server, minutes: float) -> None:
    """Photographs and live frames for so long, and the server's memory."""
    photo, ends = open_photo(PHOTO).pixels, time.monotonic() + 60 * minutes
    frame = cv2.imencode(".jpg", np.ascontiguousarray(cv2.resize(photo, (480, 480))[..., ::-1]))[1].tobytes()
    done, readings = Counter[str](), []

    def until_the_end(name: str, work: Any) -> None:
        while time.monotonic() < ends:
            try:
                work()
                done[name] += 1
            except (OSError, IndexError) as error:
                done[f"{name}: {type(error).__name__}"] += 1
                time.sleep(1)

    query = "attribute=mouth_open&consent=true&session=0123456789abcdef"
    works = {
        "photographs": lambda: edited(server, own(1, photo)),
        "live frames": lambda: asked(f"{server.address}/live/frame?{query}", frame, "image/jpeg"),
    }
    threads = [threading.Thread(target=until_the_end, args=work) for work in works.items()]
    for thread in threads:
        thread.start()
    while time.monotonic() < ends:
        readings.append(server.mebibytes())
        time.sleep(READ_EVERY)
    for thread in threads:
        thread.join()
    thirds = np.array_split(np.array(readings), 3)
    print(f"soak: {minutes:g} minutes, {dict(done)}")
    means = " / ".join(f"{third.mean():.0f}" for third in thirds)
    print(f"soak: MiB, mean of each third: {means}; most {max(readings):.0f}")
    change = thirds[2].mean() / thirds[1].mean() - 1
    print(f"soak: last third against the one before: {100 * change:+.1f} %")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--requests", type=int, default=20, help="of each client")
    parser.add_argument("--minutes", type=float, default=30)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        try:
            print(f"started: {server.mebibytes():.0f} MiB")
            load(server, args.clients, args.requests)
            print(f"after the load: {server.mebibytes():.0f} MiB, {server.files()} files")
            soak(server, args.minutes)
            time.sleep(120)
            print(f"two minutes after the last answer: {server.files()} files, {server.mebibytes():.0f} MiB")
        finally:
            server.process.terminate()
            server.process.wait(30)
        print(f"after SIGTERM: {sum(path.is_file() for path in Path(name).rglob('*'))} files")


if __name__ == "__main__":
    main()
