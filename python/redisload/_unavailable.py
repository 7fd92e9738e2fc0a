"""What the public interface names and this version does not do yet: said plainly, never accepted silently."""

from __future__ import annotations

NOT_YET = "not available in 0.1"

ARGUMENTS = ("tls", "resilience", "config")
NAMES = (
    "AsyncCacheAside",
    "CacheAside",
    "Command",
    "FilesystemTier",
    "HotSet",
    "Normal",
    "Resilience",
    "SimulatedDatabase",
    "SqliteTier",
    "load_config",
    "repeat",
    "simulate_cache_aside",
    "sweep",
)
WORKLOADS = (
    "hash_operations",
    "high_throughput",
    "list_operations",
    "pipeline",
    "pub_sub",
    "set_operations",
    "sorted_set_operations",
)
DISTRIBUTIONS = ("normal", "hotset", "hot_set")
CHECKOUTS = ("per_operation",)
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
    "--command": "custom commands",
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
