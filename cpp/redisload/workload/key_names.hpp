// How a key's name is made from its number: prefix, a hash tag where asked for, and the number in a
// fixed width.
//
//   redisload:string:000000000042        user:42 with 7 bytes        user:{000002}:000000000042
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "redisload/config/run_config.hpp"

namespace redisload {

inline constexpr std::size_t kKeyDigits = 12;
inline constexpr std::size_t kTagDigits = 6;

struct KeyNames {
  std::string prefix;
  std::size_t zeros = 0;            // before the digits, where names are to be longer
  std::size_t digits = kKeyDigits;  // at most kKeyDigits
  std::uint64_t tags = 0;           // 0: no hash tags

  // Names of the data type `space` ("string", "list", …). Under a prefix of the user's, strings
  // stand right behind it and every other type has its own name there.
  static KeyNames of(const KeysConfig& keys, const std::string& space) {
    KeyNames names;
    names.tags = keys.hash_tags.value_or(0);
    if (keys.prefix) {
      names.prefix = *keys.prefix + (space == "string" ? "" : space + ":");
    } else {
      names.prefix = "redisload:" + space + ":";
    }
    if (keys.length_bytes) {
      const std::size_t before = names.size() - kKeyDigits;
      const std::size_t left = *keys.length_bytes > before ? *keys.length_bytes - before : 1;
      names.digits = left < kKeyDigits ? left : kKeyDigits;
      names.zeros = left - names.digits;
    }
    return names;
  }
  // Bytes of every name.
  std::size_t size() const noexcept {
    return prefix.size() + (tags != 0 ? kTagDigits + 3 : 0) + zeros + digits;
  }
};

}  // namespace redisload
