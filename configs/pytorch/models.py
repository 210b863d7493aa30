"""Three models in plain PyTorch for images of 28x28 pixels, to be compiled by launchers/export_model.py (docs/models.md)."""
import torch
from torch import nn


def mlp(hidden=512):
    return nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def cnn(dropout=0.2):
    def block(channels, out):
        return [nn.Conv2d(channels, out, 3, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*block(1, 32), *block(32, 64), nn.Flatten(), nn.Linear(3136, 128), nn.BatchNorm1d(128), nn.ReLU(),
                         nn.Dropout(dropout), nn.Linear(128, 10))


class PatchTransformer(nn.Module):
    """An encoder over 16 patches of 7x7 pixels."""

    def __init__(self, width, layers, dropout):
        super().__init__()
        self.embed = nn.Linear(49, width)
        self.position = nn.Parameter(0.02 * torch.randn(1, 16, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout, batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, images):
        patches = images.reshape(-1, 4, 7, 4, 7).transpose(2, 3).reshape(-1, 16, 49)
        return self.head(self.encoder(self.embed(patches) + self.position).mean(1))


def transformer(width=64, layers=2, dropout=0.1):
    return PatchTransformer(width, layers, dropout)
