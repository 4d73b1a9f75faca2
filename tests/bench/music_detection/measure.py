#!/usr/bin/env python3
"""Asks voxconv of each clip of make_clips.py whether it holds singing and music, and counts the mistakes."""

import argparse
import csv
import json
import pathlib
import subprocess
import tempfile


def levels(voxconv: str, clip: pathlib.Path) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([voxconv, "--json", "separate", clip, "--stems", "music", "-o", folder], check=True, stdout=subprocess.PIPE, text=True)
    return next(event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "separated")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clips", type=pathlib.Path, help="folder that make_clips.py wrote")
    parser.add_argument("--voxconv", default="scripts/voxconv")
    parser.add_argument("--every", type=int, default=1, help="take every Nth clip only")
    options = parser.parse_args()
    counts: dict[str, list[int]] = {}
    with open(options.clips / "clips.csv", newline="") as file:
        rows = list(csv.DictReader(file))[:: options.every]
    for row in rows:
        found = levels(options.voxconv, options.clips / f"{row['name']}.flac")
        song, taken = row["voice"] == row["music"] == "1", found["has_vocals"] and found["has_music"]
        count = counts.setdefault(row["what"], [0, 0])
        count[0] += 1
        count[1] += song != taken
        if song != taken:
            print(f"{row['name']}: taken for {'a song' if taken else 'no song'}: vocals {found['vocals_db']:g}, music {found['music_db']:g}, "
                  f"lasting {found['lasting_music_db']:g} dBFS")
    for what, (clips, wrong) in counts.items():
        print(f"{what}: {wrong} of {clips} wrong")
    print(f"all: {sum(wrong for _, wrong in counts.values())} of {sum(clips for clips, _ in counts.values())} wrong")


if __name__ == "__main__":
    main()
