"""The contrastive game: two pieces of one song attract each other, and songs keep the relations they have.

The plain game (NT-Xent) pushes *all* other songs away, also those that sound alike. Beside it stands a second one,
against a bank that remembers where every song lies: a piece must find its own song there and, for the rest of its
attention, be as near to the other songs as its own song is. What is alike may stay together.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from songspace.encoders import augment
from songspace.encoders.convnet import ConvNet
from songspace.encoders.devices import fast_autocast
from songspace.encoders.pairs import Crops
from songspace.encoders.training import Game, one_cycle, set_rate

PROJECTED = 128
"""Numbers that the losses compare; the projector to them is thrown away after training."""

MEMORY = 0.9
"""How much of a song's place in the bank stays when a new piece of it arrives."""

RISE = 0.3
"""Share of the run over which relations gain their weight: at first the bank knows none."""


def nt_xent(a: Tensor, b: Tensor, *, temperature: float) -> Tensor:
    """Normalised, temperature-scaled cross entropy: of all others in the batch, find the partner.

    Row *i* of ``a`` and row *i* of ``b`` are two views of one thing; every other row is another. From T. Chen et al.,
    "A simple framework for contrastive learning", arXiv 2002.05709.

    Parameters
    ----------
    a, b : Tensor of shape (n, d)
        Any length; only directions count.
    temperature : float
        Small values look at the nearest impostors only.

    Returns
    -------
    Tensor
        The mean over the 2 n rows: log(2 n - 1) at chance, and at best 0.

    Examples
    --------
    >>> import torch
    >>> nt_xent(torch.eye(3), torch.eye(3), temperature=0.01).item() < 1e-6
    True
    """
    n = len(a)
    unit = functional.normalize(torch.cat([a, b]), dim=1)
    itself = torch.eye(2 * n, dtype=torch.bool, device=a.device)
    similarity = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf)
    return functional.cross_entropy(similarity, torch.arange(2 * n, device=a.device).roll(n))


class Bank(nn.Module):
    """Where each song lies, as a running mean of what was seen of it.

    From Z. Wu et al., "Unsupervised feature learning via non-parametric instance discrimination", arXiv 1805.01978.

    Parameters
    ----------
    songs, size : int
        How many songs there are, and the numbers of a place.
    """

    def __init__(self, songs: int, size: int) -> None:
        super().__init__()
        self.places: Tensor
        self.visits: Tensor
        self.register_buffer("places", torch.zeros(songs, size))
        self.register_buffer("visits", torch.zeros(songs))

    @torch.no_grad()
    def update(self, songs: Tensor, seen: Tensor) -> None:
        """Move some songs towards what was seen of them (n, size); the plain mean until that is the slower one."""
        visits = self.visits[songs]
        keep = torch.minimum(visits / (visits + 1), torch.full_like(visits, MEMORY))[:, None]
        self.places[songs] = keep * self.places[songs] + (1 - keep) * seen
        self.visits[songs] = visits + 1

    def directions(self) -> Tensor:
        """Unit vectors (songs, size); zeros for songs that were never seen."""
        return functional.normalize(self.places, dim=1)


def relations(directions: Tensor, songs: Tensor, *, own: float, temperature: float) -> Tensor:
    """How a piece of a song should share its attention among all songs.

    The part ``own`` belongs to the song itself, the rest to the others by how near they lie to it. From J. Denize et
    al., "Similarity contrastive estimation", arXiv 2111.14585; a sharper temperature than that of the game keeps to
    the nearest (M. Zheng et al., "ReSSL", arXiv 2107.09282).

    Parameters
    ----------
    directions : Tensor of shape (m, d)
        Unit vectors of all songs; a song that was never seen has zeros, and no part.
    songs : Tensor of shape (n,)
        The songs of the pieces.
    own : float
        0 to 1.
    temperature : float

    Returns
    -------
    Tensor of shape (n, m)
        Rows that sum to 1.

    Examples
    --------
    >>> import torch
    >>> places = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    >>> relations(places, torch.tensor([0]), own=0.5, temperature=0.1).round(decimals=2).tolist()
    [[0.5, 0.5, 0.0]]
    """
    similarity = directions[songs] @ directions.T / temperature
    unknown = ~directions.any(dim=1)
    unknown = unknown.expand(len(songs), -1).scatter(1, songs[:, None], True)  # a song is no neighbour of itself
    shares = similarity.masked_fill(unknown, -torch.inf).softmax(dim=1).nan_to_num(0.0)  # the first song knows no other
    others = shares.sum(dim=1, keepdim=True)
    return (1 - own) * shares + torch.zeros_like(shares).scatter(1, songs[:, None], 1 - (1 - own) * others)


class ContrastiveGame(Game):
    """The network and a projector to :data:`PROJECTED` numbers, against NT-Xent and against the bank.

    Parameters
    ----------
    network : ConvNet
        Trained in place.
    songs : int
        How many songs there are.
    temperature, relation, learning_rate, weight_decay
        As in :class:`songspace.encoders.contrastive.Contrastive`.
    device : torch.device
        Where to train.
    """

    def __init__(
        self,
        network: ConvNet,
        songs: int,
        *,
        temperature: float,
        relation: float,
        learning_rate: float,
        weight_decay: float,
        device: torch.device,
    ) -> None:
        size = network.size
        projector = nn.Sequential(nn.Linear(size, size), nn.BatchNorm1d(size), nn.ReLU(), nn.Linear(size, PROJECTED))
        self.network = network.to(device).train()
        self.projector = projector.to(device)
        self.bank = Bank(songs, PROJECTED).to(device)
        weights = [*network.parameters(), *projector.parameters()]
        self.optimizer = torch.optim.AdamW(weights, weight_decay=weight_decay, fused=True)
        self.modules = {
            "network": self.network,
            "projector": self.projector,
            "bank": self.bank,
        }
        self.optimizers = {"adamw": self.optimizer}
        self.temperature = temperature
        self.relation = relation
        self.learning_rate = learning_rate
        self.device = device

    def step(self, batch: Crops, progress: float) -> dict[str, Tensor]:
        """One step on two pieces of each of some songs."""
        set_rate(self.optimizer, self.learning_rate * one_cycle(progress))
        decibels = augment.recolor(torch.from_numpy(batch.decibels).to(self.device))
        views = augment.mask(self.network.standardize(decibels))
        with fast_autocast(self.device):
            projected = self.projector(self.network.represent(views))
        a, b = projected.float().chunk(2)
        songs = torch.from_numpy(batch.songs).to(self.device)
        contrast = nt_xent(a, b, temperature=self.temperature)
        losses, loss = {"loss": contrast}, contrast
        if self.relation:
            losses["relation"] = self._relate(a, b, songs, progress)
            loss = (contrast + losses["relation"]) / 2
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def _relate(self, a: Tensor, b: Tensor, songs: Tensor, progress: float) -> Tensor:
        """How far the pieces' attention to all songs is from that of their songs (a cross entropy)."""
        directions = self.bank.directions()
        own = 1 - self.relation * min(1.0, progress / RISE)
        wanted = relations(directions, songs, own=own, temperature=self.temperature / 2)
        pieces = functional.normalize(torch.stack([a, b]), dim=2)
        attention = (pieces @ directions.T / self.temperature).log_softmax(dim=2)
        self.bank.update(songs, pieces.detach().mean(0))
        return -(wanted * attention).sum(dim=2).mean()
