#!/usr/bin/env python3
"""Strings recordings together to a song of a given length at 16 kHz: each round of them is played a little higher, lower or softer."""

import argparse

import librosa
import numpy as np
import soundfile


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target")
    parser.add_argument("seconds", type=float)
    parser.add_argument("sources", nargs="+")
    options = parser.parse_args()
    sources = [librosa.load(path, sr=16000, mono=True)[0] for path in options.sources]
    wanted, parts, count, step = int(options.seconds * 16000), [], 0, 0
    while count < wanted:
        speed, gain = (1, 0.94, 1.06, 0.97, 1.03)[step // len(sources) % 5], (1, 0.7, 0.5, 0.85)[step % 4]
        source = sources[step % len(sources)]
        part = np.interp(np.arange(0, len(source) - 1, speed), np.arange(len(source)), source)
        part = gain * 0.8 * part / max(1e-6, np.abs(part).max())
        fade = min(800, len(part) // 4)
        part[:fade] *= np.linspace(0, 1, fade)
        part[-fade:] *= np.linspace(1, 0, fade)
        parts += [part, np.zeros(3200)]
        count += len(part) + 3200
        step += 1
    soundfile.write(options.target, np.concatenate(parts)[:wanted].astype(np.float32), 16000, subtype="PCM_16")


if __name__ == "__main__":
    main()
