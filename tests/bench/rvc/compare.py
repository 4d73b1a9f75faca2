#!/usr/bin/env python3
"""Times voxconv and RVC's main branch on this machine, in turns, with the same weights on the same songs, through the whole pipeline.

    compare.py --rvc-python PYTHON --checkout RVC --assets FOLDER [--runs 3] [--precision fp32 bf16] [--json FILE] [--markdown FILE] SONG...

Prints medians. "convert" is the conversion alone, models loaded; "process" is the program from its start to its end. Run it on an idle
machine, with an interpreter that has numpy and soundfile.
"""

import argparse
import json
import math
import pathlib
import statistics
import tempfile

import numpy as np
import ours
import soundfile

FIGURES = ("convert_s", "process_s", "cpu_s", "peak_mib")


def snr_db(reference: str, other: str) -> float:
    a, b = soundfile.read(reference, dtype="float64")[0], soundfile.read(other, dtype="float64")[0]
    assert len(a) == len(b), (len(a), len(b))
    return 10 * math.log10(np.sum(a**2) / max(np.sum((a - b) ** 2), 1e-30))


def measure(arguments, song: str, env: dict, folder: pathlib.Path) -> dict:
    """All programs on one song, in turns -> medians by program."""
    runs: dict[str, list[dict]] = {}
    for turn in range(arguments.runs):
        if turn == 0 or not arguments.rvc_once:
            runs.setdefault("RVC fp32", []).append(ours.rvc(arguments, song))
        for precision in arguments.precision:
            target = str(folder / f"{precision}.wav")
            done = ours.voxconv(arguments, env, song, target, "--format", "wavf", "--precision", precision, *arguments.options)
            runs.setdefault(f"voxconv {precision}", []).append(done | {"convert_s": done["wall_s"]})
    result = {}
    for program, reports in runs.items():
        row = {key: statistics.median(r[key] for r in reports) for key in FIGURES}
        row["range_s"] = [min(r["convert_s"] for r in reports), max(r["convert_s"] for r in reports)]
        row["runs"] = len(reports)
        if "stages_s" in reports[0]:
            row["stages_s"] = {k: statistics.median(r["stages_s"][k] for r in reports) for k in reports[0]["stages_s"]}
        if program != "RVC fp32":
            row["times_faster"] = result["RVC fp32"]["convert_s"] / row["convert_s"]
            row["memory_share"] = row["peak_mib"] / result["RVC fp32"]["peak_mib"]
        result[program] = row
    if {"fp32", "bf16"} <= set(arguments.precision):
        result["voxconv bf16"]["snr_to_fp32_db"] = snr_db(str(folder / "fp32.wav"), str(folder / "bf16.wav"))
    return result


def table(results: dict) -> str:
    lines = ["| song | program | conversion, s (range) | RVC / it | process, s | peak, MiB | share of RVC's | SNR to fp32 |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|---:|")
    for song, programs in results.items():
        for program, row in programs.items():
            snr = f"{row['snr_to_fp32_db']:.1f} dB" if "snr_to_fp32_db" in row else ""
            faster = f"{row['times_faster']:.2f}" if "times_faster" in row else ""
            share = f"{row['memory_share']:.2f}" if "memory_share" in row else ""
            low, high = row["range_s"]
            lines.append(
                f"| {song} | {program} | {row['convert_s']:.2f} ({low:.2f}-{high:.2f}) | {faster} | {row['process_s']:.1f} | "
                f"{row['peak_mib']:.0f} | {share} | {snr} |"
            )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ours.add_arguments(parser)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--rvc-once", action="store_true", help="run RVC only in the first turn")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--markdown", type=pathlib.Path)
    parser.add_argument("songs", nargs="+")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="further options of voxconv convert, at the end")
    arguments = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        env = ours.environment(arguments.assets, folder)
        for song in arguments.songs:
            seconds = soundfile.info(song).duration
            results[f"{seconds:.0f} s"] = measure(arguments, song, env, folder)
            text = table(results)
            print(text, flush=True)
            if arguments.json:
                arguments.json.write_text(json.dumps(results, indent=2) + "\n")
            if arguments.markdown:
                arguments.markdown.write_text(text + "\n")


if __name__ == "__main__":
    main()
