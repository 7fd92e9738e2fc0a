// A command as the user writes it, "SET {key} {value} EX 60", made into its RESP form once;
// encoding an operation copies that and fills in what differs. Immutable after parsing; used by any
// thread. Everything in it follows from the OperationRequest, so it can be encoded again.
//
// Words are split and quoted as in redis-cli ("a b", 'a b', \n and \xHH between double quotes).
// {key} is a key of its own each time it stands there, {key:N} the command's N-th key (again);
// further placeholders: template_text.hpp. A literal brace is written {{ or }}.
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
#include "redisload/workload/key_distribution.hpp"
#include "redisload/workload/key_names.hpp"
#include "redisload/workload/template_text.hpp"
#include "redisload/workload/value_generator.hpp"

namespace redisload {

// Writes `number` (below 10^12) as exactly kKeyDigits digits.
void write_key_number(char* out, std::uint64_t number) noexcept;

// Time to live of what is written, in milliseconds.
struct TtlRange {
  std::int64_t low_ms = 0;
  std::int64_t high_ms = 0;
};

// How {field}, {member} and {score} are written.
inline constexpr std::string_view kFieldText = "field:";
inline constexpr std::string_view kMemberText = "member:";
inline constexpr std::size_t kElementDigits = 6;
inline constexpr std::uint64_t kScores = 1'000'000;

// What placeholders are filled with.
struct TemplateContext {
  KeyNames keys;
  std::shared_ptr<const Keyspace> keyspace;  // for second and further keys
  std::shared_ptr<const ValueGenerator> values;
  std::uint64_t fields = 100;   // {field}: how many different ones
  std::uint64_t members = 100;  // {member}
  TtlRange ttl;                 // {ttl}, {ttl_ms}
};

class CommandTemplate {
 public:
  // Throws ConfigError, its problem at `path`, saying at which character the text is wrong.
  static CommandTemplate parse(std::string_view text, const TemplateContext& context,
                               const std::string& path = "command");

  // The first word, upper case; with its second where that is a subcommand: "CLIENT|ID".
  const std::string& command() const noexcept { return command_; }
  // How many different keys it has.
  std::uint32_t keys() const noexcept { return keys_; }
  bool has_key() const noexcept { return keys_ != 0; }
  // Words of the command that hold a key, counted from 0 (the command's name).
  const std::vector<std::uint32_t>& key_positions() const noexcept { return key_positions_; }
  // Something in it is drawn for each operation, beside its first key.
  bool needs_seed() const noexcept { return needs_seed_; }
  bool has_value() const noexcept { return has_value_; }
  // Every encoding is this long; where sizes vary, without the words that do.
  std::size_t size_bytes() const noexcept { return size_bytes_; }

  // Appends the command.
  void encode(const OperationRequest& request, OutputBuffer& out) const {
    if (!fixed_) [[unlikely]]
      return encode_varying(request, out);
    char* const start = out.reserve(size_bytes_ + kStride);
    char* at = start;
    for (const Segment& segment : segments_) {
      at = copy_segment(segment, request, at);
      if (segment.tail == Tail::value) {
        values_->fill(at, values_->size_bytes(), seed_of(request, segment.hole), request.key);
        at += values_->size_bytes();
      }
    }
    out.commit(static_cast<std::size_t>(at - start));
  }

 private:
  // Literal bytes are copied in whole strides, past their end: a copy of fixed size is a few
  // instructions instead of a call. bytes_ is padded for it, and encode() reserves for it.
  static constexpr std::size_t kStride = 32;

  // A number of fixed width within a segment.
  struct Patch {
    enum class Kind : std::uint8_t { first_key, key, tag, below };
    std::uint32_t offset = 0;  // from the start of its segment
    Kind kind = Kind::first_key;
    std::uint8_t digits = kKeyDigits;
    std::uint16_t hole = 0;   // below: which draw it is
    std::uint32_t key = 1;    // key, tag: which of the command's keys
    std::uint64_t bound = 0;  // below: numbers [0, bound); tag: how many tags
  };
  enum class Tail : std::uint8_t { end, value, word };
  // A run of literal bytes with numbers in it, up to a value, a word of varying length or the end.
  struct Segment {
    std::uint32_t begin = 0;  // in bytes_
    std::uint32_t size = 0;
    std::uint32_t first_patch = 0;
    std::uint32_t last_patch = 0;
    Tail tail = Tail::end;
    std::uint16_t hole = 0;  // value: which draw it is
    std::uint32_t word = 0;  // word: index of varying_
  };
  struct VaryingPart {
    TemplatePart part;
    std::uint16_t hole = 0;
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
  char* copy_segment(const Segment& segment, const OperationRequest& request, char* at) const {
    copy_strides(at, bytes_.data() + segment.begin, segment.size);
    for (std::uint32_t i = segment.first_patch; i < segment.last_patch; ++i) {
      const Patch& patch = patches_[i];
      if (patch.kind == Patch::Kind::first_key && patch.digits == kKeyDigits) [[likely]] {
        write_key_number(at + patch.offset, request.key);
      } else {
        apply(patch, request, at + patch.offset);
      }
    }
    return at + segment.size;
  }
  // The first value's seed is the operation's own.
  static std::uint64_t seed_of(const OperationRequest& request, std::uint16_t hole) noexcept {
    if (hole == 0) return request.value_seed;
    std::uint64_t mix = request.value_seed + hole * 0xd1342543de82ef95ULL;
    return splitmix64(mix);
  }
  std::uint64_t key_number(const OperationRequest& request, std::uint32_t key) const {
    return key == 1 ? request.key : keyspace_->further(request, key);
  }
  void apply(const Patch& patch, const OperationRequest& request, char* at) const;
  void encode_varying(const OperationRequest& request, OutputBuffer& out) const;
  std::int64_t integer_of(const TemplatePart& part, std::uint64_t random) const;
  std::size_t size_of(const VaryingPart& one, std::uint64_t random) const;
  char* write_key(char* at, std::uint64_t key) const;
  char* write_part(const VaryingPart& one, const OperationRequest& request, char* at) const;
  void encode_word(const std::vector<VaryingPart>& word, const OperationRequest& request,
                   OutputBuffer& out) const;

  std::string command_;
  std::string bytes_;
  std::vector<Segment> segments_;
  std::vector<Patch> patches_;
  std::vector<std::vector<VaryingPart>> varying_;
  std::shared_ptr<const Keyspace> keyspace_;
  std::shared_ptr<const ValueGenerator> values_;
  KeyNames names_;
  TtlRange ttl_;
  std::uint64_t fields_ = 0, members_ = 0;
  std::size_t size_bytes_ = 0;
  std::uint32_t keys_ = 0;
  std::vector<std::uint32_t> key_positions_;
  bool needs_seed_ = false;
  bool has_value_ = false;
  bool fixed_ = true;
};

}  // namespace redisload
