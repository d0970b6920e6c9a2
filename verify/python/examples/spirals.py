"""examples/spirals.ts in PyTorch: the losses of the first ten steps, one line each."""

import math

import torch
import torch.nn.functional as F

torch.manual_seed(0)
COUNT, WIDTH = 97, 48
coordinates = []
for spiral in range(2):
    for i in range(COUNT):
        angle, radius = i / COUNT * 3 * math.pi + spiral * math.pi, (i + 4) / COUNT
        coordinates.append([radius * math.sin(angle), radius * math.cos(angle)])
points = torch.tensor(coordinates)
labels = torch.tensor([0] * COUNT + [1] * COUNT)


def parameter(shape, bound):
    return torch.empty(shape).uniform_(-bound, bound).requires_grad_()


weight1, bias1 = parameter([2, WIDTH], 1), parameter([WIDTH], 1)
weight2, bias2 = parameter([WIDTH, WIDTH], WIDTH**-0.5), parameter([WIDTH], WIDTH**-0.5)
weight3, bias3 = parameter([WIDTH, 2], WIDTH**-0.5), parameter([2], WIDTH**-0.5)
optimizer = torch.optim.Adam([weight1, bias1, weight2, bias2, weight3, bias3], lr=0.01)
for step in range(10):
    first = torch.tanh(points * 4 @ weight1 + bias1)
    second = torch.tanh(first @ weight2 + bias2)
    loss = F.cross_entropy(second @ weight3 + bias3, labels)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(loss.item())
