"""voxconv as a child process, with the weights that make_assets.py wrote: what compare.py and parity.py share."""

import json
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent.parent
# RVC's options of the same meaning are the defaults of run_rvc.py.
OPTIONS = "--profile head --f0 rmvpe --index-rate 0.75 --protect 0.33 --rms-mix 0.25 --seed 0".split()


def add_arguments(parser) -> None:
    parser.add_argument("--program", default=str(ROOT / "build/release/cli/voxconv"))
    parser.add_argument("--rvc-python", required=True, help="the interpreter that has what RVC needs")
    parser.add_argument("--checkout", required=True, help="RVC's main branch")
    parser.add_argument("--assets", required=True, type=pathlib.Path, help="as written by make_assets.py")
    parser.add_argument("--voice", default="v2_40k.pth")
    parser.add_argument("--index", default="v2.index", help="empty: none")


def environment(assets: pathlib.Path, folder: pathlib.Path) -> dict:
    """A data folder in which voxconv finds the weights by name."""
    content, pitch = folder / "voxconv/models/content/contentvec", folder / "voxconv/models/pitch/rmvpe"
    for place, source in ((content, assets / "hubert_base/pytorch_model.bin"), (pitch, assets / "rmvpe.pt")):
        place.mkdir(parents=True, exist_ok=True)
        link = place / source.name
        if not link.exists():
            link.symlink_to(source.resolve())
    return os.environ | {"XDG_DATA_HOME": str(folder)}


def run(command: list[str], **options) -> tuple[str, dict]:
    """Standard output, and what the system says of the process. Ends the program where the command fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(command)}")
    return out, {
        "process_s": time.perf_counter() - start,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mib": usage.ru_maxrss / 1024,
    }


def rvc(arguments, song: str, *options: str) -> dict:
    command = [arguments.rvc_python, str(pathlib.Path(__file__).parent / "run_rvc.py"), arguments.checkout, str(arguments.assets), song]
    out, usage = run([*command, "--voice", arguments.voice, "--index", arguments.index, *options], stderr=subprocess.DEVNULL)
    return json.loads(out.splitlines()[-1]) | usage


def voxconv(arguments, env: dict, song: str, target: str, *options: str) -> dict:
    command = [arguments.program, "-q", "--json", "convert", song, "-o", target, "--voice", str(arguments.assets / arguments.voice)]
    command += ["--index", str(arguments.assets / arguments.index)] if arguments.index else []
    out, usage = run([*command, *OPTIONS, *options], env=env)
    events = [json.loads(line) for line in out.splitlines()]
    return next(e for e in events if e["event"] == "converted") | usage
