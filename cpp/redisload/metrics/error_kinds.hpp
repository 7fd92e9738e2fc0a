// The error kinds that one worker has met, as small numbers: "reply.WRONGTYPE", "timeout.response".
// At most 64, then "other". Written by its worker without allocating; names already numbered may be
// read by any thread at any time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace redisload {

class ErrorKinds {
 public:
  static constexpr std::size_t kNamed = 64;
  static constexpr std::uint8_t kOther = kNamed;       // the number of "other"
  static constexpr std::size_t kNumbers = kNamed + 1;  // counters to hold
  static constexpr std::size_t kNameBytes = 63;        // longer names are cut

  // The number of `class.detail`; called by the owning worker.
  std::uint8_t number(std::string_view name) noexcept;
  // The name of a number that number() gave; any thread that was told it.
  std::string_view name(std::uint8_t number) const noexcept;

 private:
  struct Name {
    std::uint8_t size = 0;
    std::array<char, kNameBytes> text{};
    std::string_view view() const noexcept { return {text.data(), size}; }
  };
  static constexpr std::size_t kSlots = 128;  // open addressing, at most half full

  std::array<Name, kNamed> names_{};
  std::atomic<std::uint8_t> size_{0};
  std::array<std::uint8_t, kSlots> slots_{};  // number + 1; 0: free
};

}  // namespace redisload
