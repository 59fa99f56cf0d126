"""One flat float32 vector for all parameters, so that engines and optimizer share memory and format."""
from __future__ import annotations

import numpy as np
import torch

from deep_emotion import DeepEmotion, Shape


class Layout:
    """Where each tensor of a network lies in the flat vectors.

    params: order of named_parameters(). stats: running mean and variance of each norm, in order of
    named_buffers(). `matrix` marks the entries that weight decay touches, `loc` the localization branch.
    """

    def __init__(self, shape: Shape, aux_norm: bool):
        net = DeepEmotion(shape, aux_norm=aux_norm)
        self.params = [(n, tuple(p.shape)) for n, p in net.named_parameters()]
        self.stats = [(n, tuple(b.shape)) for n, b in net.named_buffers() if not n.endswith("num_batches_tracked")]
        self.n_params = sum(int(np.prod(s)) for _, s in self.params)
        self.n_stats = sum(int(np.prod(s)) for _, s in self.stats)
        self.matrix = np.concatenate([np.full(int(np.prod(s)), len(s) > 1) for _, s in self.params])
        self.loc = np.concatenate([np.full(int(np.prod(s)), "loc" in n) for n, s in self.params])

    @staticmethod
    def _split(rows, vector):
        at = 0
        for name, shape in rows:
            size = int(np.prod(shape))
            yield name, vector[at:at + size].reshape(shape)
            at += size

    def views(self, vector: np.ndarray) -> dict:
        return dict(self._split(self.params, vector))

    def stat_views(self, vector: np.ndarray) -> dict:
        return dict(self._split(self.stats, vector))

    def gather(self, net: DeepEmotion):
        """(params, stats) copied out of a network."""
        state = net.state_dict()
        cat = lambda rows: np.concatenate([state[n].detach().numpy().ravel() for n, _ in rows]).astype(np.float32)
        return cat(self.params), cat(self.stats)

    def scatter(self, net: DeepEmotion, params: np.ndarray, stats: np.ndarray) -> DeepEmotion:
        """Copies flat vectors into a network."""
        state = net.state_dict()
        for name, value in {**self.views(params), **self.stat_views(stats)}.items():
            state[name].copy_(torch.from_numpy(np.ascontiguousarray(value)))
        return net
