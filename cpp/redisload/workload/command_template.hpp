// A command as the user writes it, "SET {key} {value} EX 60", made into its RESP form once;
// encoding an operation copies that and fills in what differs. Immutable after parsing; used by any
// thread.
//
// Words are split and quoted as in redis-cli ("a b", 'a b', \n and \xHH between double quotes).
// {key} is the key prefix and the key number as 12 digits; {value} is the operation's value.
// A literal brace is written {{ or }}.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/base/operation.hpp"
#include "redisload/base/output_buffer.hpp"
#include "redisload/workload/value_generator.hpp"

namespace redisload {

inline constexpr std::size_t kKeyDigits = 12;

// Writes `number` (below 10^12) as exactly kKeyDigits digits.
void write_key_number(char* out, std::uint64_t number) noexcept;

class CommandTemplate {
 public:
  // Throws ConfigError, its problem at `path`, saying at which character the text is wrong.
  static CommandTemplate parse(std::string_view text, std::string_view key_prefix,
                               std::shared_ptr<const ValueGenerator> values,
                               const std::string& path = "command");

  // The first word, upper case.
  const std::string& command() const noexcept { return command_; }
  bool has_key() const noexcept { return has_key_; }
  bool has_value() const noexcept { return segments_.size() > 1; }
  // Every encoding is this long.
  std::size_t size_bytes() const noexcept { return size_bytes_; }

  // Appends the command.
  void encode(const OperationRequest& request, OutputBuffer& out) const {
    char* const start = out.reserve(size_bytes_ + kStride);
    char* at = start;
    for (const Segment& segment : segments_) {
      copy_strides(at, bytes_.data() + segment.begin, segment.size);
      for (std::uint32_t i = segment.first_key; i < segment.last_key; ++i) {
        write_key_number(at + key_offsets_[i], request.key);
      }
      at += segment.size;
      if (segment.value_follows) {
        values_->fill(at, request.value_seed);
        at += values_->size_bytes();
      }
    }
    out.commit(static_cast<std::size_t>(at - start));
  }

 private:
  // Literal bytes are copied in whole strides, past their end: a copy of fixed size is a few
  // instructions instead of a call. bytes_ is padded for it, and encode() reserves for it.
  static constexpr std::size_t kStride = 32;

  // A run of literal bytes with key numbers in it, up to a value or the end.
  struct Segment {
    std::uint32_t begin = 0;  // in bytes_
    std::uint32_t size = 0;
    std::uint32_t first_key = 0;  // in key_offsets_
    std::uint32_t last_key = 0;
    bool value_follows = false;
  };

  friend class CommandTemplateBuilder;
  CommandTemplate() = default;

  static void copy_strides(char* to, const char* from, std::size_t size) noexcept {
    std::size_t done = 0;
    do {
      std::memcpy(to + done, from + done, kStride);
      done += kStride;
    } while (done < size);
  }

  std::string command_;
  std::string bytes_;
  std::vector<Segment> segments_;           // one more than there are values
  std::vector<std::uint32_t> key_offsets_;  // from the start of their segment
  std::shared_ptr<const ValueGenerator> values_;
  std::size_t size_bytes_ = 0;
  bool has_key_ = false;
};

}  // namespace redisload
