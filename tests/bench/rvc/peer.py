"""RVC's own code, taken from a checkout of its main branch: what the scripts of this folder share."""

import os
import pathlib
import sys


def enter(checkout: str, assets: str) -> pathlib.Path:
    """Makes RVC's modules importable and its weights found: `assets` is a folder as make_assets.py writes it. Returns that folder."""
    folder = pathlib.Path(assets).resolve()
    os.environ["rmvpe_root"] = str(folder)
    os.environ.setdefault("RVC_AUDIO_FORCE_CPU", "1")
    code = str(pathlib.Path(checkout).resolve())
    os.chdir(code)
    sys.path.insert(0, code)
    sys.argv = sys.argv[:1]  # RVC's configuration reads the command line
    import infer.hubert

    infer.hubert.HUBERT_MODEL_PATH = folder / "hubert_base"
    return folder


def load_voice(path):
    """A voice as infer/vc/modules.py loads it -> (network, checkpoint)."""
    import torch
    from infer.module import models

    checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    checkpoint["config"][-3] = checkpoint["weight"]["emb_g.weight"].shape[0]
    name = "SynthesizerTrnMs%sNSFsid%s" % (
        {"v1": 256, "v2": 768}[checkpoint["version"]],
        "" if checkpoint["f0"] else "_nono",
    )
    network = getattr(models, name)(*checkpoint["config"], is_half=False)
    del network.enc_q
    missing, unexpected = network.load_state_dict(checkpoint["weight"], strict=False)
    assert not missing and not unexpected, (missing, unexpected)
    return network.eval().float(), checkpoint
