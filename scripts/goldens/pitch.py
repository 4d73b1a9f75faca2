#!/usr/bin/env python3
"""Makes tests/data/golden/pitch.safetensors from the packages torchfcpe, torchcrepe, swift-f0 and librosa.

    pip install torchfcpe torchcrepe swift-f0 librosa safetensors
    scripts/goldens/pitch.py tests/data/golden/content.safetensors tests/data/golden/pitch.safetensors

The first argument gives two seconds of speech; two seconds of a sung glide with vibrato are synthesised here. The networks run with their
weights rounded to fp16, as voxconv ships them, so that what is compared is the code.
"""
import contextlib
import io
import sys
import types

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

# torchfcpe and torchcrepe import torchaudio for resampling alone, which 16 kHz input does not need.
stub, transforms = types.ModuleType("torchaudio"), types.ModuleType("torchaudio.transforms")
transforms.Resample, stub.transforms = None, transforms
sys.modules |= {"torchaudio": stub, "torchaudio.transforms": transforms}

RATE = 16000
clips, output = sys.argv[1:3]


def sung():
    """Twelve harmonics gliding from 220 to 880 Hz with a vibrato, rounded to 16 bits."""
    t = np.arange(2 * RATE) / RATE
    hz = 220 * 4 ** (t / 2) * 2 ** (np.sin(2 * np.pi * 5.5 * t) / 24)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    wave = sum(np.where(hz * h < 7000, np.sin(h * phase + h) / h, 0) for h in range(1, 13))
    return (wave / np.abs(wave).max() * 0.4 * 32767).astype(np.int16)


def rounded(module):
    """The module with every weight rounded to fp16."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.half().float())
    return module


def fcpe(signals):
    from torch.nn.utils import parametrize
    from torchfcpe import spawn_bundled_infer_model

    with contextlib.redirect_stdout(io.StringIO()):
        model = spawn_bundled_infer_model("cpu")
    projection = model.model.output_proj
    if parametrize.is_parametrized(projection):  # fold the weight norm first: voxconv rounds the folded matrix
        parametrize.remove_parametrizations(projection, "weight")
    else:
        torch.nn.utils.remove_weight_norm(projection)
    rounded(model)
    results = {}
    for name, signal in signals.items():
        wave = torch.from_numpy(signal)[None, :, None]
        mel = model.wav2mel(wave, RATE)
        results[f"fcpe.{name}.mel"] = mel[0, ::10].numpy()
        with torch.no_grad():
            results[f"fcpe.{name}.activation"] = model.model(mel)[0, ::10].numpy()
        results[f"fcpe.{name}.hz"] = model.infer(wave, RATE)[0, :, 0].numpy()
    return results


def main():
    speech = load_file(clips)["audio"][8000:40000]
    audio = {"speech": speech, "sung": sung()}
    signals = {name: samples.astype(np.float32) / 32768 for name, samples in audio.items()}
    tensors = {f"{name}.audio": samples for name, samples in audio.items()} | fcpe(signals)
    save_file({name: np.ascontiguousarray(value) for name, value in tensors.items()}, output)


if __name__ == "__main__":
    main()
