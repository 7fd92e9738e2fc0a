"""A TCP proxy between a client and a server, with the faults of a network."""

from __future__ import annotations

from typing import Any

from support.controlled import ControlledProcess


class Proxy(ControlledProcess):
    """Forwards 127.0.0.1:``port`` to a target from a process of its own; a context manager.

    Every chunk that is received is sent on ``delay_s`` (replies) or ``request_delay_s`` (requests) later, in
    order; how long each was really held, from after its receive to before its send, is recorded. A proxy that
    cannot reach its target resets the client.
    """

    def __init__(
        self, target_port: int, delay_s: float = 0.0, *, target_host: str = "127.0.0.1", **settings: Any
    ) -> None:
        """``settings``: those of :meth:`set`."""
        super().__init__("proxy_process.py", target_host, str(target_port))
        self.set(delay_s=delay_s, **settings)

    def set(self, **settings: Any) -> None:
        """Changes settings for what is received from now on; those not named stay.

        - ``delay_s``, ``request_delay_s``: seconds that replies and requests are held.
        - ``bytes_per_s``: bandwidth of the replies of each connection; 1 trickles; 0: no limit.
        - ``slow_connection``: only this connection, counted from 0 in the order of accepting, has that
          limited bandwidth, and it holds little: as a slow reader with small buffers; -1: all have it.
        - ``black_hole``: connections are accepted and stay open, and what arrives vanishes.
        - ``cut_after_bytes``: a connection is cut when so many bytes of replies went through it since it was
          opened, the bytes up to there delivered; 0: never. ``cut_with``: ``"reset"`` or ``"close"``.
        """
        self.call("set", settings=settings)

    def refuse(self, on: bool = True) -> None:
        """New connections are refused (the port stays ours), or accepted again; open ones live on."""
        self.call("refuse", on=on)

    def reset_connections(self) -> int:
        """Resets all open connections, both sides; returns how many."""
        count: int = self.call("end_connections", how="reset")
        return count

    def close_connections(self) -> int:
        """Closes all open connections in order (FIN); returns how many."""
        count: int = self.call("end_connections", how="close")
        return count

    def half_open(self) -> int:
        """Lets go of the servers of all open connections without telling their clients; returns how many.

        What the clients send is swallowed; connections opened later work.
        """
        count: int = self.call("half_open")
        return count

    def delays_s(self, direction: str = "replies") -> list[float]:
        """How long each chunk of ``"replies"`` or ``"requests"`` was held since the last call, in seconds."""
        held: list[float] = self.call("take_delays", direction=direction)
        return held

    def counts(self) -> dict[str, int]:
        """``accepted`` and ``open`` connections, ``request_bytes`` and ``reply_bytes`` forwarded."""
        counts: dict[str, int] = self.call("counts")
        return counts
