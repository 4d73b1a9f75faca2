#!/usr/bin/env python3
"""Makes tests/data/golden/rvc_signal.safetensors from the signal functions of RVC's infer/vc/pipeline.py.

    pip install scipy librosa torch safetensors
    scripts/goldens/rvc_signal.py tests/data/golden/rvc_signal.safetensors

The mix is measured at rates of 160 and 400 Hz instead of 16 and 40 kHz: nothing in it depends on them.
"""
import sys

import librosa
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file
from scipy import signal

rng = np.random.default_rng(2)
b, a = signal.butter(N=5, Wn=48, btype="high", fs=16000)
noise = (0.3 * rng.normal(size=3000) + 0.2).astype(np.float32)
out = {"noise": noise, "highpass": signal.filtfilt(b, a, noise), "highpass_short": signal.filtfilt(b, a, noise[:19])}


def rms(y, rate):
    return torch.from_numpy(librosa.feature.rms(y=y, frame_length=rate // 2 * 2, hop_length=rate // 2))


def mixed(source, source_rate, result, result_rate, rate):
    """change_rms()."""
    levels = [F.interpolate(rms(*side).unsqueeze(0), size=result.shape[0], mode="linear").squeeze()
              for side in ((source, source_rate), (result, result_rate))]
    levels[1] = torch.max(levels[1], torch.zeros_like(levels[1]) + 1e-6)
    gain = torch.pow(levels[0], torch.tensor(1 - rate)) * torch.pow(levels[1], torch.tensor(rate - 1))
    return (result * gain.numpy()).astype(np.float32)


source = (rng.normal(size=990) * np.hanning(990)).astype(np.float32)
result = (0.1 * rng.normal(size=2460)).astype(np.float32)
out |= {"source": source, "result": result, "mixed": mixed(source.astype(np.float64), 160, result, 400, 0.25)}

f0 = np.array([0, 0, 200, 210, 0, 0, 0, 250, 0, 260, 255, 0, 0], dtype=np.float32)
bridged = f0.copy()
gaps = f0 == 0
bridged[gaps] = np.interp(np.where(gaps)[0], np.where(~gaps)[0], f0[~gaps])
out |= {"f0": f0, "bridged": bridged, "median3": signal.medfilt(f0, 3)}
save_file({name: np.ascontiguousarray(values) for name, values in out.items()}, sys.argv[1])
