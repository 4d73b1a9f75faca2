#!/usr/bin/env python3
"""Makes clips of 11.5 s (one segment of Spleeter) of which it is known whether somebody sings or speaks in them and whether there is music, and a table of them.

The same clips each time from the same material: a folder of voices as in VOICES below, and the music of Debian packages that were
unpacked into one folder (dpkg -x) as in MUSIC: fretsonfire-songs-muldjord, fretsonfire-songs-sectoid, wesnoth-1.16-music, supertux-data,
lincity-ng-data, extremetuxracer-data, lugaru-data, frozen-bubble-data. What is not there is left out and named."""

import argparse
import csv
import pathlib
import sys
import zlib

import numpy as np
import scipy.signal
import soundfile

RATE, SECONDS = 44100, 11.5
SAMPLES = int(RATE * SECONDS)
# name: (pattern of files below the folder of voices, which are strung together)
VOICES = {
    "speech_1688": "eval/speech/test_other_10spk_1688/*.opus",
    "speech_1998": "eval/speech/test_other_10spk_1998/*.opus",
    "speech_2033": "eval/speech/test_other_10spk_2033/*.opus",
    "speech_2414": "eval/speech/test_other_10spk_2414/*.opus",
    "speech_2609": "eval/speech/test_other_10spk_2609/*.opus",
    "speech_kathleen": "train/kathleen_f_en/*.opus",
    "speech_nathalie": "train/nathalie_f_nl/*.opus",
    "speech_flemishguy": "train/flemishguy_m_nl/*.opus",
    "speech_kerstin": "train/kerstin_f_de/*.opus",
    "speech_nsh": "train/nsh_m_ru/*.opus",
    "speech_ivrvoice": "train/ivrvoice_f_ru/*.opus",
    "sung_oatsu": "eval/singing/oatsu_ja/*.opus",
    "sung_female": "eval/singing/sms_tools/singing-female.opus",
    "sung_soprano": "eval/singing/sms_tools/soprano-E4.opus",
    "sung_vignesh": "eval/singing/sms_tools/vignesh.opus",
    "sung_kumi": "train/kumi_f_ja_sung/*.opus",
    "sung_yuki": "train/yuki_f_sung/*.opus",
    "sung_scottpoid": "train/scottpoid_m_ja_sung/*.opus",
    "sung_berklee_f": "train/berklee_f_notes/*.opus",
    "sung_berklee_m": "train/berklee_m_notes/*.opus",
}
# name: (files that are added up, below the folder of packages; from this second on)
MUSIC = {
    "metal_armygeddon": (["fretsonfire/data/songs/muldjord/armygeddon/song.ogg", "fretsonfire/data/songs/muldjord/armygeddon/guitar.ogg"], 60),
    "metal_chaos_god": (["fretsonfire/data/songs/muldjord/chaos_god/song.ogg", "fretsonfire/data/songs/muldjord/chaos_god/guitar.ogg"], 40),
    "metal_mime": (["fretsonfire/data/songs/muldjord/mutilated_mime/song.ogg", "fretsonfire/data/songs/muldjord/mutilated_mime/guitar.ogg"], 70),
    "rock_madness": (["fretsonfire/data/songs/sectoid/Metal madness/song.ogg", "fretsonfire/data/songs/sectoid/Metal madness/guitar.ogg"], 40),
    "rock_chaosland": (["fretsonfire/data/songs/sectoid/Escape from chaosland/song.ogg", "fretsonfire/data/songs/sectoid/Escape from chaosland/guitar.ogg"], 50),
    "rock_feelings": (["fretsonfire/data/songs/sectoid/Feelings/song.ogg", "fretsonfire/data/songs/sectoid/Feelings/guitar.ogg"], 50),
    "guitar_feelings": (["fretsonfire/data/songs/sectoid/Feelings/guitar.ogg"], 50),
    "guitar_freedom": (["fretsonfire/data/songs/sectoid/War of freedom/guitar.ogg"], 50),
    "backing_feelings": (["fretsonfire/data/songs/sectoid/Feelings/song.ogg"], 60),
    "orchestra_love_theme": (["wesnoth/1.16/data/core/music/love_theme.ogg"], 30),
    "orchestra_battle_epic": (["wesnoth/1.16/data/core/music/battle-epic.ogg"], 60),
    "orchestra_sad": (["wesnoth/1.16/data/core/music/sad.ogg"], 20),
    "folk_minstrels": (["wesnoth/1.16/data/core/music/traveling_minstrels.ogg"], 40),
    "orchestra_transience": (["wesnoth/1.16/data/core/music/transience.ogg"], 40),
    "orchestra_elvish": (["wesnoth/1.16/data/core/music/elvish-theme.ogg"], 40),
    "orchestra_knalgan": (["wesnoth/1.16/data/core/music/knalgan_theme.ogg"], 40),
    "pop_tropical": (["supertux2/music/tropical/tropicalbreeze.ogg"], 30),
    "chip_classic": (["supertux2/music/retro/classic.ogg"], 20),
    "chip_disko": (["supertux2/music/antarctic/chipdisko.ogg"], 30),
    "electro_cave": (["supertux2/music/antarctic/cave.ogg"], 30),
    "pop_forest": (["supertux2/music/forest/forest.ogg"], 20),
    "blues_city": (["lincity-ng/music/default/02 - Robert van Herk - City Blues.ogg"], 40),
    "piano_contemplations": (["lincity-ng/music/default/03 - Robert van Herk - Architectural Contemplations.ogg"], 40),
    "electro_lincity": (["lincity-ng/music/default/01 - pronobozo - lincity.ogg"], 60),
    "rock_race": (["etr/music/race1-jt.ogg"], 20),
    "pop_calmrace": (["etr/music/calmrace-ks.ogg"], 30),
    "ambient_lugaru": (["lugaru/Sounds/Music1Grass.ogg"], 30),
    "bubble_mainzik": (["frozen-bubble/snd/frozen-mainzik-1p.ogg"], 30),
}
# Songs as they were published, with singing from these seconds on.
SONGS = {
    "song_on_the_run": ("music/joshua_morin__on_the_run__vocal_mix.opus", [60, 100, 150, 200]),
    "song_crazy_glue": ("music/josh_woodward__CrazyGlue__vocal_mix.opus", [14]),
    "song_carnatic": ("eval/singing/sms_tools/carnatic.opus", [0]),  # with a tambura
}
LEVELS = [12, 6, 0, -6]  # dB of the voice over the music


def fitted(x: np.ndarray) -> np.ndarray:
    return np.resize(x, (SAMPLES, x.shape[1])) if len(x) < SAMPLES else x[:SAMPLES]


def load(path: pathlib.Path, from_s: float = 0) -> np.ndarray:
    """Stereo at RATE, from a second on."""
    info = soundfile.info(path)
    frames = int(SECONDS * info.samplerate)
    x, rate = soundfile.read(path, start=min(int(from_s * info.samplerate), max(0, info.frames - frames)), frames=frames, always_2d=True)
    if rate != RATE:
        x = scipy.signal.resample_poly(x, RATE, rate, axis=0)
    return x[:, :2] if x.shape[1] > 1 else np.repeat(x, 2, axis=1)


def level(x: np.ndarray) -> float:
    """RMS of the loudest third of the tenths of a second, so that pauses do not count."""
    power = np.square(x).mean(axis=1)
    blocks = np.sort(power[: len(power) // 4410 * 4410].reshape(-1, 4410).mean(axis=1))
    return float(np.sqrt(blocks[-max(1, len(blocks) // 3) :].mean() + 1e-12))


def at_level(x: np.ndarray, db: float) -> np.ndarray:
    return x * (10 ** (db / 20) / level(x))


def voice(folder: pathlib.Path, pattern: str, draw: int) -> np.ndarray | None:
    parts, length = [], 0
    files = sorted(folder.glob(pattern))
    step = max(1, len(files) // 40)
    first = draw * len(files) // 2
    for file in (files[first:] + files[:first])[::step]:
        x = load(file)
        loud = np.abs(x).max(axis=1) > 0.02 * np.abs(x).max()
        begin, end = np.argmax(loud), len(loud) - np.argmax(loud[::-1])
        parts += [at_level(x[begin:end], -23), np.zeros((int(0.15 * RATE), 2))]
        length += len(parts[-1]) + len(parts[-2])
        if length >= SAMPLES:
            break
    return fitted(np.concatenate(parts)) if parts else None


def noise(kind: str, random: np.random.Generator) -> np.ndarray:
    n = SAMPLES
    white, t = random.standard_normal(n), np.arange(n) / RATE
    if kind == "white":
        x = white
    elif kind == "pink":
        spectrum = np.fft.rfft(white)
        x = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 20), n)
    elif kind == "hum":
        x = sum(np.sin(2 * np.pi * 50 * k * t + k) / k for k in range(1, 12)) + 0.05 * white
    elif kind == "fan":
        b, a = scipy.signal.butter(2, [80, 900], "band", fs=RATE)
        x = scipy.signal.lfilter(b, a, white) * (1 + 0.2 * np.sin(2 * np.pi * 7 * t)) + 0.1 * np.sin(2 * np.pi * 118 * t)
    elif kind == "claps":
        x = np.zeros(n)
        for at in np.arange(0.3, SECONDS - 0.3, 0.6):
            i = int((at + random.uniform(-0.02, 0.02)) * RATE)
            b, a = scipy.signal.butter(2, [700, 4000], "band", fs=RATE)
            x[i : i + 4000] += scipy.signal.lfilter(b, a, random.standard_normal(4000)) * np.exp(-np.arange(4000) / 500)
    elif kind == "traffic":
        b, a = scipy.signal.butter(1, 300, fs=RATE)
        x = scipy.signal.lfilter(b, a, white) * (1.2 + np.sin(2 * np.pi * 0.15 * t))
    else:
        raise ValueError(kind)
    return np.repeat(x[:, None], 2, axis=1)


def room(x: np.ndarray, t60: float, random: np.random.Generator) -> np.ndarray:
    t = np.arange(int(t60 * RATE)) / RATE
    tail = random.standard_normal((len(t), 2)) * (10 ** (-3 * t / t60))[:, None]
    wet = np.stack([scipy.signal.fftconvolve(x[:, c], tail[:, c])[: len(x)] for c in range(2)], axis=1)
    return x + at_level(wet, -23 - 4)


def telephone(x: np.ndarray) -> np.ndarray:
    b, a = scipy.signal.butter(4, [300, 3400], "band", fs=RATE)
    return scipy.signal.lfilter(b, a, x, axis=0)


def plucked(random: np.random.Generator) -> np.ndarray:
    """A guitar-like tone: chords of Karplus and Strong's strings, one after another."""
    n = SAMPLES
    x = np.zeros(n + RATE * 2)
    for bar, chord in enumerate([(110, 165, 220, 277), (147, 220, 294, 370), (165, 247, 330, 415), (110, 165, 220, 330)] * 3):
        for k, hz in enumerate(chord * 2):
            period = int(RATE / hz)
            string = np.zeros(2 * RATE)
            string[:period] = random.uniform(-1, 1, period)
            string = scipy.signal.lfilter([1], np.concatenate([[1], np.zeros(period - 1), [-0.498, -0.498]]), string)
            at = int((bar + k * 0.125) * RATE)
            if at + len(string) <= len(x):
                x[at : at + len(string)] += string
    return np.repeat(x[:n, None], 2, axis=1)


def tones(kind: str) -> np.ndarray:
    t = np.arange(SAMPLES) / RATE
    if kind == "sine":
        x = np.sin(2 * np.pi * 440 * t)
    elif kind == "chord":
        x = sum(np.sin(2 * np.pi * hz * t) for hz in (262, 330, 392))
    elif kind == "sweep":
        x = scipy.signal.chirp(t, 100, SECONDS, 4000, "log")
    elif kind == "beeps":
        x = np.sin(2 * np.pi * 1000 * t) * (t % 1 < 0.2)
    elif kind == "melody":
        hz = np.repeat(np.array([262, 294, 330, 349, 392, 440, 392, 330, 294, 262, 330, 262]), RATE)[:SAMPLES]
        x = sum(np.sin(2 * np.pi * k * np.cumsum(hz) / RATE) / k for k in range(1, 6)) * np.minimum(1, (t % 1) * 50) * np.exp(-(t % 1))
    elif kind == "vibrato":
        phase = 2 * np.pi * np.cumsum(300 * (1 + 0.03 * np.sin(2 * np.pi * 5.5 * t))) / RATE
        x = sum(np.sin(k * phase) / k for k in range(1, 10))
    else:
        raise ValueError(kind)
    return np.repeat(x[:, None], 2, axis=1)


def clips(voices_folder: pathlib.Path, packages: pathlib.Path, draw: int):
    """Yields (name, what it is, somebody is heard, there is music, samples)."""

    def dice(name: str) -> np.random.Generator:
        return np.random.default_rng(zlib.crc32(name.encode()) + draw)

    voices = {}
    for name, pattern in VOICES.items():
        found = voice(voices_folder, pattern, draw)
        if found is None:
            print(f"left out: {name} ({pattern})", file=sys.stderr)
            continue
        voices[name] = found
        yield name, "voice", True, False, found
    for i, (name, x) in enumerate(voices.items()):
        for kind, db in (("white", -50), ("pink", -43), ("hum", -45), ("fan", -43), ("claps", -33), ("traffic", -43))[i % 2 :: 2]:
            label = f"{name}_{kind}"
            yield label, "voice, noise", True, False, at_level(x, -20) + at_level(noise(kind, dice(label)), db)
        if i % 2 == 0:
            yield f"{name}_room", "voice, room", True, False, room(x, 0.5 + 0.25 * (i % 4), dice(name))
        else:
            yield f"{name}_telephone", "voice, telephone", True, False, telephone(x)
    music = {}
    for name, (files, from_s) in MUSIC.items():
        paths = [packages / "usr/share/games" / file for file in files]
        if not all(path.exists() for path in paths):
            print(f"left out: {name}", file=sys.stderr)
            continue
        music[name] = fitted(sum(fitted(load(path, from_s + 25 * draw)) for path in paths))
        yield name, "music", False, True, at_level(music[name], -20)
    music["plucked"] = plucked(dice("plucked"))
    yield "plucked", "music", False, True, at_level(music["plucked"], -20)
    for kind in ("sine", "chord", "sweep", "beeps", "melody", "vibrato"):
        for db in (-16, -30):
            yield f"tone_{kind}{db}", "tones", False, True, at_level(tones(kind), db)
    for kind in ("white", "hum", "claps", "traffic"):
        yield f"noise_{kind}", "noise", False, False, at_level(noise(kind, dice(kind)), -30)
    names = list(music)
    for i, (name, x) in enumerate(voices.items()):
        for k in range(3):
            under = names[(i * 3 + k * 7 + 5 * draw) % len(names)]
            db = LEVELS[(i + k) % len(LEVELS)]
            mixed = at_level(x, -20) + at_level(music[under], -20 - db)
            yield f"{name}_{db:+d}_{under}", f"song {db:+d} dB", True, True, mixed * min(1, 0.9 / np.abs(mixed).max())
    for name, (file, starts) in SONGS.items():
        path = voices_folder / file
        if not path.exists():
            print(f"left out: {name}", file=sys.stderr)
            continue
        for start in starts:
            yield f"{name}_{start}", "song, published", True, True, fitted(load(path, start))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voices", type=pathlib.Path, help="folder with the recordings of VOICES and SONGS")
    parser.add_argument("packages", type=pathlib.Path, help="folder that the packages were unpacked to")
    parser.add_argument("target", type=pathlib.Path)
    parser.add_argument("--draw", type=int, choices=[0, 1], default=0, help="1: other recordings of the same voices, other parts of the same music, other pairs")
    options = parser.parse_args()
    options.target.mkdir(parents=True, exist_ok=True)
    with open(options.target / "clips.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["name", "what", "voice", "music"])
        for name, what, somebody, music, x in clips(options.voices, options.packages, options.draw):
            soundfile.write(options.target / f"{name}.flac", np.clip(x, -1, 1), RATE, subtype="PCM_16")
            table.writerow([name, what, int(somebody), int(music)])


if __name__ == "__main__":
    main()
