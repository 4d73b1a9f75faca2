#!/usr/bin/env python3
"""Makes tests/data/golden/retrieval.safetensors and the index files beside it with faiss and RVC's own way of using it.

    pip install faiss-cpu numpy safetensors
    scripts/goldens/retrieval.py tests/data/golden

The blend is RVC's (infer/vc/pipeline.py, Pipeline.vc) in double precision, for the cases in which that one is well defined.
"""
import pathlib
import sys

import faiss
import numpy as np
from safetensors.numpy import save_file

folder = pathlib.Path(sys.argv[1])
DIM, COUNT, K = 24, 800, 8
rng = np.random.default_rng(5)


def blend(index, vectors, frames):
    distances, ids = index.search(frames, k=K)
    weights = np.square(1 / distances.astype(np.float64))
    weights[ids < 0] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return np.sum(vectors[ids].astype(np.float64) * weights[:, :, None], axis=1).astype(np.float32)


centres = rng.normal(size=(20, DIM))
vectors = (centres[rng.integers(20, size=COUNT)] + 0.3 * rng.normal(size=(COUNT, DIM))).astype(np.float32)
frames = (vectors[rng.integers(COUNT, size=40)] + 0.2 * rng.normal(size=(40, DIM))).astype(np.float32)
out = {"frames": frames}

lists = max(1, min(int(16 * np.sqrt(COUNT)), COUNT // 39))
index = faiss.index_factory(DIM, f"IVF{lists},Flat")
ivf = faiss.extract_index_ivf(index)
ivf.nprobe = 1
index.train(vectors)
faiss.write_index(index, str(folder / "trained_tiny.index"))
index.add(vectors)
faiss.write_index(index, str(folder / "added_tiny.index"))
out["probes1"] = blend(index, vectors, frames)
ivf.nprobe = 4
out["probes4"] = blend(index, vectors, frames)

flat = faiss.IndexFlatL2(DIM)
flat.add(vectors[:100])
faiss.write_index(flat, str(folder / "flat_tiny.index"))
out["flat"] = blend(flat, vectors, frames)
save_file(out, folder / "retrieval.safetensors")
