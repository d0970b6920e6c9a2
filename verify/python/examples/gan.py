"""examples/gan.ts in PyTorch: the losses of the first ten steps, both networks' in one line."""

import math

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
BATCH, NOISE = 64, 8


class Network(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.first = nn.Linear(inputs, 32)
        self.second = nn.Linear(32, 32)
        self.last = nn.Linear(32, outputs)

    def forward(self, x):
        x = F.leaky_relu(self.first(x), 0.2)
        return self.last(F.leaky_relu(self.second(x), 0.2))


generator = Network(NOISE, 2)
discriminator = Network(2, 1)
generator_optimizer = torch.optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
discriminator_optimizer = torch.optim.Adam(discriminator.parameters(), lr=2e-3, betas=(0.5, 0.999))
is_real, is_fake = torch.ones(BATCH, 1), torch.zeros(BATCH, 1)
for step in range(10):
    angles = torch.empty(BATCH).uniform_(0, 2 * math.pi).double()
    points = torch.stack([angles.cos(), angles.sin()], 1).float()
    drawn = generator(torch.empty(BATCH, NOISE).normal_())
    on_real = F.binary_cross_entropy_with_logits(discriminator(points), is_real)
    on_fake = F.binary_cross_entropy_with_logits(discriminator(drawn.detach()), is_fake)
    loss = on_real + on_fake
    loss.backward()
    discriminator_optimizer.step()
    deceived = F.binary_cross_entropy_with_logits(discriminator(drawn), is_real)
    deceived.backward()
    generator_optimizer.step()
    generator_optimizer.zero_grad()
    discriminator_optimizer.zero_grad()
    print(loss.item(), deceived.item())
