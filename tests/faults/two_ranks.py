"""Run by test_crashes.py on two processes: trains and leaves what each rank saw and ended with."""

import json
import sys
from hashlib import sha256
from pathlib import Path

from accelerate import Accelerator

from diat.data.batches import Batch, TransferBatches
from diat.training.adversarial import new_networks, train_transfer
from diat.training.recipes import transfer_config
from diat.training.run import Schedule

pack, output = map(Path, sys.argv[1:])
rows: list[list[int]] = []
original = TransferBatches.__getitem__


def recorded(self: TransferBatches, step: int) -> Batch:
    batch = original(self, step)
    if self.settings.shift:  # training batches, not the held-out faces
        rows.append(batch.source_rows)
    return batch


TransferBatches.__getitem__ = recorded  # type: ignore[method-assign]
accelerator = Accelerator(cpu=True)
config = transfer_config("eyeglasses_remove", pack, output, "DIAT-A", "release", size=64, batch=4, steps=6, d_warmup=2)
networks = new_networks(config)
train_transfer(config, networks, Schedule(log_every=1, sample_every=100, save_every=3, workers=0), accelerator)
weights = sha256()
for network in (networks.transform, networks.discriminator):
    for parameter in network.parameters():
        weights.update(parameter.detach().contiguous().numpy().tobytes())
rank = accelerator.process_index
report = {"processes": accelerator.num_processes, "rows": rows, "weights": weights.hexdigest()}
(output / f"rank{rank}.json").write_text(json.dumps(report))
