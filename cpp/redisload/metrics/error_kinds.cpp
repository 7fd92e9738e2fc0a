#include "redisload/metrics/error_kinds.hpp"

#include <algorithm>

namespace redisload {

namespace {
// FNV-1a, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/).
std::uint32_t hash(std::string_view text) noexcept {
  std::uint32_t h = 2166136261U;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 16777619U;
  return h;
}
}  // namespace

std::uint8_t ErrorKinds::number(std::string_view name) noexcept {
  name = name.substr(0, kNameBytes);
  std::size_t slot = hash(name) % kSlots;
  for (; slots_[slot] != 0; slot = (slot + 1) % kSlots) {
    const auto number = static_cast<std::uint8_t>(slots_[slot] - 1);
    if (names_[number].view() == name) return number;
  }
  const std::uint8_t size = size_.load(std::memory_order_relaxed);
  if (size == kNamed) return kOther;
  names_[size].size = static_cast<std::uint8_t>(name.size());
  std::copy(name.begin(), name.end(), names_[size].text.begin());
  slots_[slot] = static_cast<std::uint8_t>(size + 1);
  size_.store(static_cast<std::uint8_t>(size + 1), std::memory_order_release);
  return size;
}

std::string_view ErrorKinds::name(std::uint8_t number) const noexcept {
  return number < size_.load(std::memory_order_acquire) ? names_[number].view() : "other";
}

}  // namespace redisload
