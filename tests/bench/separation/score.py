#!/usr/bin/env python3
"""How good the stems of some separators are, beside the parts that make_mixtures.py made the mixtures of.

    pip install museval==0.4.1 soundfile
    score.py MIXTURES [--json FILE] NAME=FOLDER...

FOLDER has <mixture>-vocals.wav and <mixture>-accompaniment.wav (or -music.wav). Prints for each separator the means over all mixtures of SDR
(BSS Eval v4 as museval has it: the median of windows of one second) and of SI-SDR of the whole, in dB, for sung and spoken voices, and the
largest difference in one mixture from the separator named first.
"""
import argparse
import json
import math
import pathlib
import statistics

import museval
import numpy as np
import soundfile

STEMS = ("vocals", "accompaniment")
FIGURES = [f"{kind} {stem}" for kind in ("SDR", "SI-SDR") for stem in STEMS]


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Of all channels as one signal."""
    part = np.sum(reference * estimate) / np.sum(reference**2) * reference
    return 10 * math.log10(np.sum(part**2) / np.sum((part - estimate) ** 2))


def read(folder: pathlib.Path, mixture: str, stem: str) -> np.ndarray:
    path = folder / f"{mixture}-{stem}.wav"
    if stem == "accompaniment" and not path.exists():
        path = folder / f"{mixture}-music.wav"
    return soundfile.read(path, dtype="float64")[0]


def score(mixtures: pathlib.Path, mixture: str, folder: pathlib.Path) -> dict:
    references = np.stack([soundfile.read(mixtures / stem / f"{mixture}.flac", dtype="float64")[0] for stem in STEMS])
    estimates = np.stack([read(folder, mixture, stem) for stem in STEMS])
    assert references.shape == estimates.shape, mixture
    sdr = museval.evaluate(references, estimates, win=44100, hop=44100, mode="v4")[0]
    return {f"SDR {stem}": float(np.nanmedian(values)) for stem, values in zip(STEMS, sdr)} | {
        f"SI-SDR {stem}": si_sdr(*pair) for stem, pair in zip(STEMS, zip(references, estimates))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mixtures", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path, help="takes the figures of each mixture")
    parser.add_argument("separators", nargs="+", metavar="NAME=FOLDER")
    options = parser.parse_args()
    folders = dict(separator.split("=", 1) for separator in options.separators)
    names = sorted(path.stem for path in (options.mixtures / "mixture").iterdir())
    figures = {name: {mixture: score(options.mixtures, mixture, pathlib.Path(folder)) for mixture in names} for name, folder in folders.items()}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    first = next(iter(figures.values()))
    print("| mixtures | separator | " + " | ".join(FIGURES) + " | largest difference |\n|---|---|" + "---:|" * (len(FIGURES) + 1))
    for what in ("sung", "spoken", ""):
        for name, scores in figures.items():
            chosen = [mixture for mixture in scores if mixture.startswith(what)]
            means = [f"{statistics.mean(scores[mixture][figure] for mixture in chosen):.2f}" for figure in FIGURES]
            apart = max(abs(scores[mixture][figure] - first[mixture][figure]) for mixture in chosen for figure in FIGURES)
            print(f"| {what or 'all'} ({len(chosen)}) | {name} | {' | '.join(means)} | {apart:.3f} |")


if __name__ == "__main__":
    main()
