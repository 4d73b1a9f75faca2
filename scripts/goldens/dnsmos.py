#!/usr/bin/env python3
"""Makes tests/data/golden/dnsmos.safetensors from the package speechmos.

    pip install speechmos onnxruntime librosa soundfile safetensors
    scripts/goldens/dnsmos.py CLIP.wav tests/data/golden/dnsmos.safetensors

CLIP: 16 kHz mono speech, the one of content.py (the C++ test takes the audio from there).
"""
import sys
import types

import numpy as np
import soundfile
from safetensors.numpy import save_file

sys.modules.setdefault("requests", types.SimpleNamespace(session=None))  # speechmos imports it and uses nothing of it
from speechmos import dnsmos  # noqa: E402

clip, output = sys.argv[1:3]
samples, rate = soundfile.read(clip, dtype="int16", frames=5 * 16000)
assert rate == 16000
speech = samples.astype(np.float32) / 32768


def noisy(wave):
    """A whistle of 1 kHz beneath, which numpy and C++ make alike."""
    return wave + 0.02 * np.sin(2 * np.pi * 1000 * np.arange(len(wave)) / 16000).astype(np.float32)


def scores(wave):
    result = dnsmos.run(wave.astype(np.float32), 16000)
    return [result["sig_mos"], result["bak_mos"], result["ovrl_mos"]]


save_file({
    "speech": np.array(scores(speech)),  # 5 s, which the reference repeats
    "varied": np.array(scores(np.concatenate([speech, 0.1 * speech, noisy(speech), speech[:500]]))),  # 15.03 s: 6 segments, not 7
    "left_out": np.array(scores(np.concatenate([noisy(speech), 0.3 * speech, speech, noisy(speech[:48000])]))),  # 18 s: 7 segments, not 9
}, output)
