#!/usr/bin/env python3
"""Makes eighteen mixtures of singing or speech, none of which any voice here was trained on, with instrumental music, and their parts.

    make_mixtures.py VOICES PACKAGES TARGET

VOICES and PACKAGES are as for ../music_detection/make_clips.py, whose lists of music and way of reading it are used. Each voice is mixed with
two pieces, no piece occurs twice, both parts are equally loud (RMS of the loudest third). TARGET/{mixture,vocals,accompaniment}/NAME.flac,
24 bits, 44.1 kHz, stereo, where mixture is the sum of the other two.
"""
import argparse
import pathlib
import sys

import numpy as np
import soundfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "music_detection"))
import make_clips  # noqa: E402

# name: files below the folder of voices, which are strung together; from this second on
VOICES = {
    "sung_oatsu": (["eval/singing/oatsu_ja/antagata_dokosa_denoise.opus"], 0),
    "sung_oatsu_2": (["eval/singing/oatsu_ja/antagata_dokosa_denoise.opus"], 12),
    "sung_female": (["eval/singing/sms_tools/singing-female.opus"], 0),
    "sung_vignesh_soprano": (["eval/singing/sms_tools/vignesh.opus", "eval/singing/sms_tools/soprano-E4.opus"], 0),
} | {f"spoken_{speaker}": ([f"eval/speech/test_other_10spk_{speaker}/*.opus"], 0) for speaker in (1688, 1998, 2033, 2414, 2609)}
PIECES = ["metal_armygeddon", "orchestra_love_theme", "rock_madness", "pop_tropical", "rock_feelings", "folk_minstrels", "metal_chaos_god",
          "piano_contemplations", "rock_race", "orchestra_battle_epic", "blues_city", "chip_classic", "rock_chaosland", "electro_lincity",
          "pop_forest", "orchestra_sad", "bubble_mainzik", "metal_mime"]


def voice(folder: pathlib.Path, patterns: list[str], from_s: float) -> np.ndarray:
    """As long as a clip, or as what there is."""
    files = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
    if not files:
        sys.exit(f"make_mixtures.py: {folder} has no {patterns[0]}")
    parts = np.concatenate([make_clips.at_level(make_clips.load(path, from_s), -23) for path in files])
    return parts[: make_clips.SAMPLES]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("voices", "packages", "target"):
        parser.add_argument(name, type=pathlib.Path)
    options = parser.parse_args()
    pieces = iter(PIECES)
    for name, (patterns, from_s) in VOICES.items():
        vocals = voice(options.voices, patterns, from_s)
        for _ in range(2):
            piece = next(pieces)
            files, piece_from_s = make_clips.MUSIC[piece]
            music = make_clips.fitted(sum(make_clips.fitted(make_clips.load(options.packages / "usr/share/games" / file, piece_from_s))
                                          for file in files))[: len(vocals)]
            stems = [make_clips.at_level(vocals, -20), make_clips.at_level(music, -20)]
            gain = min(1, 0.9 / max(np.abs(stem).max() for stem in [*stems, sum(stems)]))
            steps = [np.round(stem * gain * 2**23) / 2**23 for stem in stems]  # so that the files add up, too
            for part, samples in (("vocals", steps[0]), ("accompaniment", steps[1]), ("mixture", sum(steps))):
                (options.target / part).mkdir(parents=True, exist_ok=True)
                soundfile.write(options.target / part / f"{name}_{piece}.flac", samples, make_clips.RATE, subtype="PCM_24")
            print(f"{name}_{piece}", f"{len(vocals) / make_clips.RATE:.1f} s")


if __name__ == "__main__":
    main()
