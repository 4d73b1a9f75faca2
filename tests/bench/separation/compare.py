#!/usr/bin/env python3
"""Times separators on this machine, in turns: whole programs, from start to end.

    compare.py [--runs 3] [--threads 1] --song LONG [--short SHORT] NAME=COMMAND...

In a COMMAND {song} is the song, {folder} a folder for stems, {threads} --threads. Each program runs on as many processors as that. Prints
medians, with the range of runs: seconds and processor seconds for the song, peak memory, and with --short what each further second costs
(seconds, for a second of audio): the difference between both songs, so that the start of the programs does not count. Seconds mean
something on an idle machine only.
"""
import argparse
import json
import os
import pathlib
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

import soundfile


def run(command: str, song: pathlib.Path, threads: int) -> dict:
    variables = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(threads))
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        words = [word.format(song=song, folder=folder, threads=threads) for word in shlex.split(command)]
        start = time.monotonic()
        process = subprocess.Popen(words, env=os.environ | variables, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - start
        if status != 0:
            log.seek(0)
            sys.exit(f"compare.py: {shlex.join(words)} failed: {log.read().decode(errors='replace')[-2000:]}")
    return {"s": seconds, "cpu_s": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--song", type=pathlib.Path, required=True)
    parser.add_argument("--short", type=pathlib.Path)
    parser.add_argument("--json", type=pathlib.Path, help="takes the figures of each run")
    parser.add_argument("programs", nargs="+", metavar="NAME=COMMAND")
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.threads])
    commands = dict(program.split("=", 1) for program in options.programs)
    songs = [options.song.resolve()] + ([options.short.resolve()] if options.short else [])
    seconds = [soundfile.info(song).duration for song in songs]
    figures: dict[str, dict[str, list[float]]] = {name: {} for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            runs = [run(command, song, options.threads) for song in songs]
            row = runs[0]
            if options.short:
                row |= {f"further {key}": (runs[0][key] - runs[1][key]) / (seconds[0] - seconds[1]) for key in ("s", "cpu_s")}
            for key, value in row.items():
                figures[name].setdefault(key, []).append(value)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))
    heads = {"s": "s", "cpu_s": "processor s", "peak_mib": "peak, MiB", "further s": "s per s", "further cpu_s": "processor s per s"}
    keys = list(next(iter(figures.values())))
    print(f"{seconds[0]:.0f} s of audio, {options.threads} thread{'s' * (options.threads > 1)}, {options.runs} runs")
    print("| program | " + " | ".join(heads[key] for key in keys) + " |\n|---|" + "---:|" * len(keys))
    for name, row in figures.items():
        cells = []
        for key in keys:
            digits = ".0f" if key == "peak_mib" else ".4f" if key.startswith("further") else ".2f"
            cells.append(f"{statistics.median(row[key]):{digits}} ({min(row[key]):{digits}}-{max(row[key]):{digits}})")
        print(f"| {name} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
