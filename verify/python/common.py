"""Reads and writes safetensors files (format: huggingface.co/docs/safetensors), and builds the tutorial's network."""
import json
import struct

import numpy as np
import torch
from torchvision import models

NAMES = {"F32": np.float32, "F64": np.float64, "I64": np.int64}


def read(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    return {
        name: torch.from_numpy(
            np.frombuffer(data[slice(*entry["data_offsets"])], NAMES[entry["dtype"]]).reshape(entry["shape"]).copy()
        )
        for name, entry in header.items()
        if name != "__metadata__"
    }


def write(path, tensors, metadata=None):
    header, chunks, offset = {"__metadata__": metadata or {}}, [], 0
    for name, tensor in tensors.items():
        array = np.ascontiguousarray(tensor.detach().numpy())
        dtype = next(key for key, value in NAMES.items() if value == array.dtype)
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        chunks.append(array.tobytes())
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def resnet(weights, fc=None):
    """ResNet-18 with the given weights, and with `fc` = (weight, bias) as its last layer if given."""
    model = models.resnet18()
    model.load_state_dict(torch.load(weights), strict=False)  # num_batches_tracked may be absent
    if fc:
        model.fc = torch.nn.Linear(512, fc[0].shape[0])
        with torch.no_grad():
            model.fc.weight.copy_(fc[0])
            model.fc.bias.copy_(fc[1])
    return model
