"""examples/transformer.ts in PyTorch: the losses of the first ten steps, one line each."""

import math
import pathlib
import re

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
example = pathlib.Path(__file__).parents[3] / "examples" / "transformer.ts"
TEXT = re.search(r"const TEXT = `(.*?)`", example.read_text(), re.S).group(1)
letters = sorted(set(TEXT))
codes = torch.tensor([letters.index(letter) for letter in TEXT])
BATCH, LENGTH, WIDTH, HEADS = 8, 24, 32, 4


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.query_key_value = nn.Linear(WIDTH, 3 * WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)

    def forward(self, x, visible):
        batch, length, _ = x.shape
        split = self.query_key_value(x).reshape(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = split
        scores = query @ key.transpose(-1, -2) / math.sqrt(WIDTH / HEADS)
        shares = scores.masked_fill(~visible, -math.inf).softmax(-1)
        return self.output((shares @ value).transpose(1, 2).reshape(batch, length, WIDTH))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x, visible):
        x = x + self.attention(self.norm1(x), visible)
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.letter = nn.Embedding(len(letters), WIDTH)
        self.position = nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.ModuleList([Block(), Block()])
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, len(letters))

    def forward(self, text):
        length = text.shape[1]
        visible = torch.tril(torch.ones(length, length, dtype=torch.bool))
        x = self.letter(text) + self.position(torch.arange(length))
        for block in self.blocks:
            x = block(x, visible)
        return self.head(self.norm(x))


model = Transformer()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
for step in range(10):
    starts = [torch.randint(0, len(codes) - LENGTH - 1, (1,)).item() for _ in range(BATCH)]
    windows = [torch.stack([codes[start + shift : start + shift + LENGTH] for start in starts]) for shift in (0, 1)]
    loss = F.cross_entropy(model(windows[0]).flatten(0, 1), windows[1].flatten())
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(loss.item())
