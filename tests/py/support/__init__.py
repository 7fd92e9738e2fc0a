"""What the tests need around redisload: servers that misbehave, a TCP proxy, freezes, leak counters."""
