// Finds the next command in received bytes, skipping over payloads by their lengths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redisload::test {

struct ScannedCommand {
  std::size_t size = 0;     // of the whole command; 0: not all of it is there yet
  std::string_view name;    // the first word
  std::string_view first;   // the second, if any
  std::string_view second;  // the third, if any
};

// `bytes` begins with a command: an array of bulk strings, or an inline command on one line.
// Throws std::runtime_error at anything else.
ScannedCommand scan_command(std::string_view bytes);

}  // namespace redisload::test
