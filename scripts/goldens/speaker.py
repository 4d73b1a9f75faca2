#!/usr/bin/env python3
"""Makes tests/data/golden/speaker.safetensors from the package resemblyzer.

    pip install resemblyzer soundfile
    scripts/goldens/speaker.py CLIP.wav tests/data/golden/speaker.safetensors

CLIP: 16 kHz mono speech, the one of content.py (the C++ test takes the audio from there).
"""
import sys
import types

import numpy as np
import scipy.ndimage
import soundfile
import torch
from safetensors.numpy import save_file

# resemblyzer 0.1.4 imports names that newer packages have dropped.
sys.modules["scipy.ndimage.morphology"] = types.SimpleNamespace(binary_dilation=scipy.ndimage.binary_dilation)
sys.modules.setdefault("pkg_resources", types.SimpleNamespace(get_distribution=lambda name: types.SimpleNamespace(version="")))
from resemblyzer import VoiceEncoder, audio, preprocess_wav  # noqa: E402

clip, output = sys.argv[1:3]
samples, rate = soundfile.read(clip, dtype="int16", frames=5 * 16000)
assert rate == 16000
wave = samples.astype(np.float32) / 32768
encoder = VoiceEncoder("cpu", verbose=False)
speech = preprocess_wav(wave)  # silence taken out; then, unlike the original, any level brought to -30 dBFS
speech *= 10 ** (-30 / 20) / np.sqrt(np.mean(speech.astype(np.float64) ** 2))
mel = audio.wav_to_mel_spectrogram(wave)
mels = torch.from_numpy(np.stack([mel[:160], mel[160:320]]))
with torch.no_grad():
    network = encoder(mels).numpy()
save_file({
    "mels": mels.numpy().copy(),                                                      # [2, 160, 40] of the unprepared clip
    "network": network.copy(),                                                        # [2, 256]
    "embedding": encoder.embed_utterance(speech.astype(np.float32)),                  # [256] of the whole pipeline at one level
    "untrimmed": encoder.embed_utterance(wave).astype(np.float32),                    # [256] without preparation
}, output)
