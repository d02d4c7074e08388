"""Many clients at once: nobody gets another's picture, and who cannot be served is told so."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from gradio_client import Client, handle_file
from PIL import Image

from diat.watermark import MOST, is_watermarked

CLIENTS = 24


def resident_mib(server: str) -> float:
    """Memory of the process that serves this address."""
    found = subprocess.run(["pgrep", "-f", f"app.py --port {server.rsplit(':', 1)[1]}"], capture_output=True, text=True)
    return int(Path(f"/proc/{found.stdout.split()[0]}/statm").read_text().split()[1]) * 4096 / 2**20


def test_24_clients_get_their_own_pictures_or_a_sentence(server, hopper, tmp_path):
    def own(number: int) -> np.ndarray:
        """Hopper, with a border whose colour is the client's alone."""
        picture = hopper.copy()
        picture[:8] = picture[:, :8] = (number * 10, 255 - number * 10, number * 37 % 256)
        return picture

    def visit(number: int) -> str:
        path = tmp_path / f"{number}.png"
        Image.fromarray(own(number)).save(path)
        client = Client(
            server, verbose=False, httpx_kwargs={"timeout": 60}
        )  # 5 s by default, on a busy machine too few
        try:
            *_, result, sentence = client.predict(handle_file(path), "mouth_open", 1.0, [], True, api_name="/edit")
        except Exception as refusal:  # noqa: BLE001 - what the client raises when the queue is full
            return str(refusal)
        got = np.asarray(Image.open(result))
        assert is_watermarked(got)
        # The client's own colour, but for the invisible mark.
        assert np.abs(got[:8].astype(int) - own(number)[:8]).max() <= MOST + 2
        assert np.abs(got[:, :8].astype(int) - own(number)[:, :8]).max() <= MOST + 2
        return sentence

    before = resident_mib(server)
    with ThreadPoolExecutor(CLIENTS) as pool:
        sentences = list(pool.map(visit, range(CLIENTS)))
    served = [sentence for sentence in sentences if "identity similarity" in sentence]
    refused = [sentence for sentence in sentences if "identity similarity" not in sentence]
    assert len(served) >= CLIENTS // 2
    assert all("queue" in sentence.lower() and "full" in sentence.lower() for sentence in refused), refused
    assert resident_mib(server) - before < 400
