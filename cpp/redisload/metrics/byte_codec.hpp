// Numbers as bytes, for saved histograms: LEB128 with at most 9 bytes, as HdrHistogram's V2 format
// has it ("LEB128-64b9B", https://github.com/HdrHistogram/HdrHistogram, ZigZagEncoding.java): seven
// bits a byte, low first, the ninth byte holds eight. Values used by one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace redisload {

class ByteWriter {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    for (int i = 0; i < 8 && value >= 0x80; ++i) {
      byte(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    byte(static_cast<std::uint8_t>(value));
  }
  void text(std::string_view value) {
    number(value.size());
    bytes_.append(value);
  }
  void raw(std::string_view value) { bytes_.append(value); }
  // `size` bytes, highest first.
  void big_endian(std::uint64_t value, int size) {
    for (int i = size - 1; i >= 0; --i) byte(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::string take() && { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// Reads what a ByteWriter wrote; throws std::invalid_argument where the bytes end too early.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  std::uint8_t byte() { return static_cast<std::uint8_t>(raw(1)[0]); }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 56; shift += 7) {
      const std::uint64_t next = byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value;
    }
    return value | static_cast<std::uint64_t>(byte()) << 56;
  }
  std::string_view text() {
    const std::uint64_t size = number();
    return raw(size);
  }
  std::string_view raw(std::uint64_t size) {
    if (size > bytes_.size()) throw std::invalid_argument("the data ends too early");
    const std::string_view part = bytes_.substr(0, static_cast<std::size_t>(size));
    bytes_.remove_prefix(static_cast<std::size_t>(size));
    return part;
  }
  std::uint64_t big_endian(int size) {
    std::uint64_t value = 0;
    for (int i = 0; i < size; ++i) value = value << 8 | byte();
    return value;
  }
  bool at_end() const noexcept { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

}  // namespace redisload
