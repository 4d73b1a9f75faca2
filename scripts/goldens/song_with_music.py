#!/usr/bin/env python3
"""Makes tests/data/song_with_music.ogg: the singing of song.flac, twice, over plucked chords and drums made here. numpy 2.2, soundfile 0.13."""
import pathlib

import numpy as np
import soundfile

DATA = pathlib.Path(__file__).resolve().parents[2] / "tests" / "data"
CHORDS = ((110, 220, 277.2, 329.6), (98, 196, 246.9, 293.7), (87.3, 174.6, 220, 261.6), (98, 196, 246.9, 392))
STEP_S = 0.25


def backing(frames, rate):
    music, random = np.zeros((frames, 2)), np.random.default_rng(1)
    for k in range(int(frames / rate / STEP_S) + 1):
        chord, start = CHORDS[k // 4 % 4], int(k * STEP_S * rate)
        for pitch, right in ((chord[0], 0.5), (chord[1 + k % 3], 0.3)):
            end = min(frames, start + int(0.6 * rate))
            t = np.arange(max(0, end - start)) / rate
            tone = sum(np.sin(2 * np.pi * pitch * h * t) / h * np.exp(-t * (4 + 2 * h)) for h in range(1, 9))
            music[start:end] += 0.32 * tone[:, None] * (1 - right, right)
        end = min(frames, start + int(0.08 * rate))
        t = np.arange(max(0, end - start)) / rate
        drum = 0.25 * random.standard_normal(len(t)) * np.exp(-60 * t) if k % 2 else 0.5 * np.sin(2 * np.pi * 60 * t) * np.exp(-25 * t)
        music[start:end] += drum[:, None]
    return music


def main():
    voice, rate = soundfile.read(DATA / "song.flac")
    voice = np.concatenate([voice, voice])
    song = 0.8 * voice[:, None] + 0.5 * backing(len(voice), rate)
    soundfile.write(DATA / "song_with_music.ogg", 0.95 * song / np.abs(song).max(), rate, format="OGG", subtype="VORBIS", compression_level=0.6)


if __name__ == "__main__":
    main()
