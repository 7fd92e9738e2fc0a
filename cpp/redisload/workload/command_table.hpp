// What is known of the server's commands: the data type they work on, what their reply says of the
// keys read, where their first key stands. For commands of the user's own; one that is not known is
// sent all the same. From https://redis.io/docs/latest/commands/.
#pragma once

#include <cstdint>
#include <string_view>

namespace redisload {

// How a reply tells whether what was asked for was there.
enum class Reads : std::uint8_t {
  nothing,   // the command reads no key, or its reply does not tell
  value,     // nil: a miss
  many,      // an aggregate: empty (or nil) is a miss
  count,     // an integer: 0 is a miss
  elements,  // an aggregate with an element a key: each nil is a miss
};

// Data types, as key prefixes name them.
enum class KeySpace : std::uint8_t { any, string, counter, list, set, zset, hash, stream };
std::string_view to_string(KeySpace space) noexcept;

struct CommandTraits {
  std::string_view name;  // upper case; "XGROUP|CREATE" has those of "XGROUP"
  KeySpace space = KeySpace::any;
  Reads reads = Reads::nothing;
  bool writes = false;         // writes its key
  bool removes = false;        // takes its key away (or may)
  std::uint8_t first_key = 1;  // word of its first key; 0: it has none
};

// Of an unknown command: no data type, reads nothing, first key in word 1.
const CommandTraits& command_traits(std::string_view command) noexcept;

// Commands that the server counts by their subcommand: CLIENT|SETNAME.
bool has_subcommands(std::string_view command) noexcept;

}  // namespace redisload
