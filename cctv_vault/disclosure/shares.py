"""Who keeps how much of what strangers may make a place keep. Pure.

Owns the division of a place's byte budget among requests nobody has confirmed yet. Equal shares,
first among those who sent requests and then among each sender's own: however many requests somebody
sends, and however small each of them is, together they take one sender's share. A recording that
several keep is paid for once. Between equals the older request goes first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush


@dataclass(frozen=True)
class Wish:
    """What one request keeps: its recordings with their bytes, in the order they matter."""

    hold: str
    sender: str
    recordings: tuple[tuple[str, int], ...]


def share_out(wishes: Sequence[Wish], budget: int) -> dict[str, int]:
    """How many recordings, from its first, each request may keep within ``budget`` bytes.

    A request that asks for no more than the budget divided by the number of senders, and by the
    number of its own sender's requests, keeps all, whatever the others ask for; only where one
    recording is larger than that share may the younger of equals keep nothing.

    Args:
        wishes: The older request before the younger.
        budget: Bytes, for all of them together.
    """
    kept = dict.fromkeys((wish.hold for wish in wishes), 0)
    spent = 0
    paid: set[str] = set()
    # By the bytes each has taken so far, and then by age, which is the wish's number.
    of_sender: dict[str, list[tuple[int, int]]] = {}
    for number, wish in enumerate(wishes):
        of_sender.setdefault(wish.sender, []).append((0, number))
    senders = [(0, requests[0][1], sender) for sender, requests in of_sender.items()]
    heapify(senders)
    while senders:
        sent_bytes, age, sender = heappop(senders)
        took, number = heappop(of_sender[sender])
        wish = wishes[number]
        cost = 0
        while kept[wish.hold] < len(wish.recordings):
            recording, size = wish.recordings[kept[wish.hold]]
            if recording not in paid:
                if cost or spent + size > budget:
                    break
                paid.add(recording)
                cost, spent = size, spent + size
            kept[wish.hold] += 1
        if cost and kept[wish.hold] < len(wish.recordings):
            heappush(of_sender[sender], (took + cost, number))
        if of_sender[sender]:
            heappush(senders, (sent_bytes + cost, age, sender))
    return kept
