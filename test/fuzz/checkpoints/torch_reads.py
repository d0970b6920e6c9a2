"""Reads .pth files with PyTorch, without running anything in them, and compares with what dawngrad read.

Each line of stdin is a list of [path, tensors], where tensors is a list of [name, dtype, shape, sha1 of the bytes].
The answer is a line: {"compared": how many PyTorch read without a warning, "wrong": [[path, reason], ...]}.
"""

import hashlib
import json
import resource
import sys
import warnings

import torch

# A mutated size must not take the machine's memory.
resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))
DTYPES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL",
}
DEEPEST = 6


def load(path):
    """The content of the file, or None if PyTorch refuses it or warns."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            value = torch.load(path, map_location="cpu", weights_only=True)
        except Exception:
            return None
    return None if seen else value


def dicts_of(value):
    """All dicts with tensors under string keys, each once."""
    found, seen, level = [], set(), [value]
    for _ in range(DEEPEST):
        below = []
        for one in level:
            if not isinstance(one, dict) or id(one) in seen:
                continue
            seen.add(id(one))
            tensors = {key: t for key, t in one.items() if isinstance(key, str) and isinstance(t, torch.Tensor)}
            if tensors:
                found.append(tensors)
            below.extend(one.values())
        level = below
    return found


def signature(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    if flat.dtype == torch.bfloat16:
        flat = flat.view(torch.int16)
    return [DTYPES[tensor.dtype], list(tensor.shape), hashlib.sha1(flat.numpy().tobytes()).hexdigest()]


def agrees(tensors, ours):
    """Whether these are our tensors. Our names may lack a prefix of a wrapper, or the count of AveragedModel."""
    if len(tensors) - len(ours) not in ((0, 1) if "n_averaged" in tensors else (0,)):
        return False
    theirs = {key.replace("_orig_mod.", ""): tensor for key, tensor in tensors.items()}
    theirs.update(tensors)
    prefixes = {key[: -len(ours[0][0])] if ours[0][0] else key for key in theirs if key.endswith(ours[0][0])}
    for prefix in prefixes:
        if all(prefix + name in theirs and signature(theirs[prefix + name]) == rest for name, *rest in ours):
            return True
    return False


for line in sys.stdin:
    compared, wrong = 0, []
    for path, ours in json.loads(line):
        value = load(path)
        if value is None:
            continue
        compared += 1
        dicts = dicts_of(value)
        if not any(agrees(tensors, ours) for tensors in dicts):
            theirs = [[name, *signature(t)] for tensors in dicts for name, t in tensors.items()]
            wrong.append([path, f"PyTorch reads {json.dumps(theirs)[:2000]}, dawngrad {json.dumps(ours)[:2000]}"])
    print(json.dumps({"compared": compared, "wrong": wrong}), flush=True)
