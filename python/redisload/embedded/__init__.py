"""A real server of redisload's own: started in a private directory, gone when its owner is gone.

::

    EmbeddedServer  ──── pipe ────>  watchdog (a small Python)  ── parent of ──>  redis- or valkey-server
      in our process                   own session; sees our end                    private directory,
                                       by the pipe and by process                   loopback, unix socket
"""

from redisload.embedded.binary import ServerBinary, find_server_binary
from redisload.embedded.process import EmbeddedServer, server

__all__ = ["EmbeddedServer", "ServerBinary", "find_server_binary", "server"]
