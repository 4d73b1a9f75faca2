#!/usr/bin/env python3
"""Compares what voxconv computes with what RVC's main branch computes: each stage given the same input, and the whole file in exact mode.

    parity.py --rvc-python PYTHON --checkout RVC --assets FOLDER [--stages build/release/tests/bench/rvc/rvc_stages] SONG

Run it with an interpreter that has numpy and soundfile. Ends with status 1 where a stage differs by more than --most.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
import ours
import soundfile


def whole_file(arguments, env: dict, folder: pathlib.Path) -> dict:
    ours.voxconv(arguments, env, arguments.song, str(folder / "ours.wav"), "--exact", "--precision", "fp32")
    a = soundfile.read(folder / "ours.wav", dtype="int16")[0].astype(float)
    b = soundfile.read(folder / "theirs.wav", dtype="int16")[0].astype(float)
    report = {"stage": "whole file, exact mode", "mine": len(a), "theirs": len(b)}
    if len(a) == len(b):
        error = float(np.linalg.norm(a - b) / np.linalg.norm(b))
        report |= {"values": len(a), "relative_error": error, "snr_db": -20 * np.log10(max(error, 1e-15))}
        report |= {"largest_difference": float(np.abs(a - b).max()) / 32768, "different_samples": int((a != b).sum())}
    return report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ours.add_arguments(parser)
    parser.add_argument("--stages", default=str(ours.ROOT / "build/release/tests/bench/rvc/rvc_stages"))
    parser.add_argument("--most", type=float, default=1e-3, help="largest relative error that passes")
    parser.add_argument("song")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        env = ours.environment(arguments.assets, folder)
        ours.rvc(arguments, arguments.song, "-o", str(folder / "theirs.wav"), "--dump", str(folder / "stages.safetensors"))
        index = str(arguments.assets / arguments.index) if arguments.index else ""
        out, _ = ours.run([arguments.stages, str(arguments.assets / arguments.voice), index, str(folder / "stages.safetensors")], env=env)
        rows = [json.loads(line) for line in out.splitlines()]
        rows.append(whole_file(arguments, env, folder))
    print("| stage | values | relative error | SNR, dB | largest difference |\n|---|---:|---:|---:|---:|")
    bad = 0
    for row in rows:
        if "relative_error" not in row:
            print(f"| {row['stage']} | {row['mine']} instead of {row['theirs']} | | | |")
            bad += 1
            continue
        bad += row["relative_error"] > arguments.most
        print(f"| {row['stage']} | {row['values']} | {row['relative_error']:.1e} | {row['snr_db']:.1f} | {row['largest_difference']:.2g} |")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
