#!/usr/bin/env python3
"""Makes tests/data/golden/mel.safetensors from librosa, with the settings of well-known models.

    pip install librosa soundfile
    scripts/goldens/mel.py CLIP.wav tests/data/golden/mel.safetensors

CLIP: 16 kHz mono speech, the one of content.py (the C++ test takes the audio from there). Its samples are used as if at each model's rate.
"""
import sys

import librosa
import numpy as np
import soundfile
from safetensors.numpy import save_file

clip, output = sys.argv[1:3]
samples, _ = soundfile.read(clip, dtype="int16", frames=5 * 16000)
audio = samples.astype(np.float32) / 32768


def log_mel(sr, n_fft, win, hop, bins, fmin, fmax, htk, norm, power, log, floor, padding):
    pad = {"reflect": n_fft // 2, "zero": n_fft // 2, "same": (n_fft - hop) // 2}[padding]
    padded = np.pad(audio, pad, mode="constant" if padding == "zero" else "reflect")
    spectrum = np.abs(librosa.stft(padded, n_fft=n_fft, win_length=win, hop_length=hop, center=False)) ** power
    mel = librosa.filters.mel(sr=sr, n_fft=n_fft, n_mels=bins, fmin=fmin, fmax=fmax, htk=htk, norm=norm) @ spectrum
    return log(np.maximum(mel, floor))[:, ::20].astype(np.float32)


save_file({
    # every 16th filter
    "filters_slaney": librosa.filters.mel(sr=44100, n_fft=2048, n_mels=128, fmin=30, fmax=20000)[::16].copy(),
    "filters_htk": librosa.filters.mel(sr=16000, n_fft=1024, n_mels=64, fmin=30, fmax=8000, htk=True, norm=None)[::16].copy(),
    # librosa's own melspectrogram (power, no logarithm)
    "librosa": librosa.feature.melspectrogram(y=audio, sr=22050)[:, ::20].astype(np.float32),
    # vocoders of the HiFi-GAN family
    "hifigan": log_mel(44100, 2048, 2048, 512, 128, 40, 16000, False, "slaney", 1, np.log, 1e-5, "same"),
    # RMVPE and FCPE: HTK scale, magnitude
    "rmvpe": log_mel(16000, 1024, 1024, 160, 128, 30, 8000, True, "slaney", 1, np.log, 1e-5, "reflect"),
    # a window shorter than the transform, no area normalisation
    "short_window": log_mel(16000, 512, 400, 160, 64, 0, 8000, True, None, 2, np.log10, 1e-10, "zero"),
}, output)
