"""Servers that speak RESP for a while, or not at all, and then do what a broken server does."""

from __future__ import annotations

from support.controlled import ControlledProcess

KINDS = (
    "never_answers",  # accepts, reads, stays silent
    "garbage",  # random bytes that are no RESP
    "closes_after_each_reply",  # one right answer, then FIN
    "trickle",  # right answers, one byte a second on each connection
    "huge_bulk",  # $99999999999999, then bytes as fast as they are taken, up to 64 MiB
    "deep_nesting",  # *1, 100,000 times, once on each connection
    "resets",  # RST in place of an answer
    "closes_on_accept",  # FIN as soon as a connection is there; what is open is answered with FIN
)


class MisbehavingServer(ControlledProcess):
    """Listens on 127.0.0.1:``port`` in a process of its own; a context manager.

    It answers properly (PONG, OK, nil, 1) until it has given ``after`` replies in all, handshakes included,
    or until :meth:`misbehave`; from then on every connection, old or new, gets the behaviour ``kind``.
    ``after=None``: only :meth:`misbehave` starts it.
    """

    def __init__(self, kind: str, after: int | None = 0) -> None:
        if kind not in KINDS:
            raise ValueError(f"kind {kind!r} is none of {', '.join(KINDS)}")
        super().__init__("misbehaving_process.py", kind, "-1" if after is None else str(after))

    def misbehave(self, on: bool = True) -> None:
        """Misbehaves from now on, or behaves (``on=False``) until told otherwise, whatever ``after`` says."""
        self.call("misbehave", on=on)

    def counts(self) -> dict[str, int]:
        """``accepted`` and ``open`` connections, ``commands`` read, proper ``replies`` given."""
        counts: dict[str, int] = self.call("counts")
        return counts
