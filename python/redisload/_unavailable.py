"""What the public interface names and this version does not do yet: said plainly, never accepted silently."""

from __future__ import annotations

NOT_YET = "not available in 0.1"

ARGUMENTS = ("tls", "resilience", "config")
NAMES = (
    "AsyncCacheAside",
    "CacheAside",
    "FilesystemTier",
    "Resilience",
    "SimulatedDatabase",
    "SqliteTier",
    "load_config",
    "repeat",
    "simulate_cache_aside",
    "sweep",
)
SCHEMES = {
    "rediss": "TLS",
    "valkeys": "TLS",
    "redis+cluster": "Redis Cluster",
    "rediss+cluster": "Redis Cluster",
    "cluster": "Redis Cluster",
    "redis+sentinel": "Sentinel",
    "rediss+sentinel": "Sentinel",
    "sentinel": "Sentinel",
}
FLAGS = {
    "--tls": "TLS",
    "--cacert": "TLS",
    "--cert": "TLS",
    "--key": "TLS",
    "--config": "configuration files",
    "--env-file": "configuration files",
    "--prometheus-port": "telemetry",
    "--otlp-endpoint": "telemetry",
    "--cluster": "Redis Cluster",
}
SUBCOMMANDS = ("cache-aside", "config", "knee")
