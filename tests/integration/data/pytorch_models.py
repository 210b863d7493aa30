"""Models that tests export: small, and with what is hard about exporting."""
import torch
from torch import nn


class Normalised(nn.Module):
    """BatchNorm, dropout, a buffer that is not saved, and a tensor made in forward()."""

    def __init__(self, classes, dropout):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout))
        self.head = nn.Linear(16, classes)
        self.register_buffer("scale", torch.tensor([1.0, 2.0, 0.5, 1.0]), persistent=False)

    def forward(self, features):
        return self.head(self.body(features * self.scale + torch.tensor([0.0, 0.1, 0.2, 0.3])))


def normalised(classes=3, dropout=0.1):
    return Normalised(classes, dropout)


def convolutions():
    """Weights that a compiler wants channels last, the first of them for one channel."""
    return nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                         nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 2))


def straight():
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


class Keyed(nn.Module):
    """For data whose only category chooses the model, so that it says nothing more here."""

    def __init__(self):
        super().__init__()
        self.body = nn.Linear(2, 2)

    def forward(self, features, categories):
        return self.body(features)


def keyed():
    return Keyed()


def smoothed(outputs, target):
    return nn.functional.cross_entropy(outputs, target, reduction="none", label_smoothing=0.1)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(4, 4)
        self.b = nn.Linear(4, 4)
        self.b.weight = self.a.weight

    def forward(self, features):
        return self.b(self.a(features))


def tied():
    return Tied()
