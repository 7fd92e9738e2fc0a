#include "redisload/workload/command_template.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "redisload/base/random.hpp"

namespace redisload {
namespace {

constexpr auto kTwoDigits = [] {
  std::array<char, 200> table{};
  for (std::size_t i = 0; i < 100; ++i) {
    table[2 * i] = static_cast<char>('0' + i / 10);
    table[2 * i + 1] = static_cast<char>('0' + i % 10);
  }
  return table;
}();

// Six digits, two at a time.
void write_six(char* out, std::uint32_t number) noexcept {
  const std::uint32_t high = number / 10'000;
  const std::uint32_t middle = number / 100 % 100;
  const std::uint32_t low = number % 100;
  std::memcpy(out, &kTwoDigits[2 * std::size_t{high}], 2);
  std::memcpy(out + 2, &kTwoDigits[2 * std::size_t{middle}], 2);
  std::memcpy(out + 4, &kTwoDigits[2 * std::size_t{low}], 2);
}

}  // namespace

void write_key_number(char* out, std::uint64_t number) noexcept {
  write_six(out, static_cast<std::uint32_t>(number / 1'000'000 % 1'000'000));
  write_six(out + 6, static_cast<std::uint32_t>(number % 1'000'000));
}

namespace {

// The last `digits` digits of a number below 10^12.
void write_digits(char* out, std::uint64_t number, std::size_t digits) noexcept {
  std::array<char, kKeyDigits> all{};
  write_key_number(all.data(), number);
  std::memcpy(out, all.data() + (kKeyDigits - digits), digits);
}

// Uniform over [0, bound); which of them differs by less than bound / 2^64.
std::uint64_t scale(std::uint64_t random, std::uint64_t bound) noexcept {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((static_cast<Wide>(random) * bound) >> 64);
}

}  // namespace

void CommandTemplate::apply(const Patch& patch, const OperationRequest& request, char* at) const {
  switch (patch.kind) {
    case Patch::Kind::first_key:
    case Patch::Kind::key:
      write_digits(at, key_number(request, patch.key), patch.digits);
      return;
    case Patch::Kind::tag:
      write_digits(at, key_number(request, patch.key) % patch.bound, patch.digits);
      return;
    case Patch::Kind::below:
      write_digits(at, scale(seed_of(request, patch.hole), patch.bound), patch.digits);
  }
}

void CommandTemplate::encode_varying(const OperationRequest& request, OutputBuffer& out) const {
  for (const Segment& segment : segments_) {
    const std::size_t value = segment.tail == Tail::value ? values_->size_bytes() : 0;
    char* const start = out.reserve(segment.size + value + kStride);
    char* at = copy_segment(segment, request, start);
    if (segment.tail == Tail::value) {
      values_->fill(at, value, seed_of(request, segment.hole), request.key);
      at += value;
    }
    out.commit(static_cast<std::size_t>(at - start));
    if (segment.tail == Tail::word) encode_word(varying_[segment.word], request, out);
  }
}

namespace {

constexpr std::size_t kNumber = 24;  // bytes that any 64-bit number fits into

std::size_t append_number(char* out, std::int64_t number) noexcept {
  return static_cast<std::size_t>(std::to_chars(out, out + kNumber, number).ptr - out);
}

char* append(char* at, std::string_view bytes) noexcept {
  std::memcpy(at, bytes.data(), bytes.size());
  return at + bytes.size();
}

char* append_digits(char* at, std::uint64_t number, std::size_t digits) noexcept {
  write_digits(at, number, digits);
  return at + digits;
}

}  // namespace

// {int:…}, {ttl} or {ttl_ms}.
std::int64_t CommandTemplate::integer_of(const TemplatePart& part, std::uint64_t random) const {
  if (part.placeholder == Placeholder::integer) {
    const auto low = static_cast<std::uint64_t>(part.low);
    const std::uint64_t span = static_cast<std::uint64_t>(part.high) - low + 1;  // 0: all 2^64
    return static_cast<std::int64_t>(low + (span == 0 ? random : scale(random, span)));
  }
  const auto span = static_cast<std::uint64_t>(ttl_.high_ms - ttl_.low_ms + 1);
  const std::int64_t ms = ttl_.low_ms + static_cast<std::int64_t>(scale(random, span));
  return part.placeholder == Placeholder::ttl_ms ? ms : std::max<std::int64_t>(1, ms / 1000);
}

std::size_t CommandTemplate::size_of(const VaryingPart& one, std::uint64_t random) const {
  switch (one.part.placeholder) {
    case Placeholder::none:
      return one.part.literal.size();
    case Placeholder::key:
      return names_.size();
    case Placeholder::value:
      return values_->size(random);
    case Placeholder::field:
      return kFieldText.size() + kElementDigits;
    case Placeholder::member:
      return kMemberText.size() + kElementDigits;
    case Placeholder::score:
      return 2 + kElementDigits;
    case Placeholder::choice:
      return one.part.choices[scale(random, one.part.choices.size())].size();
    default: {
      std::array<char, kNumber> digits{};
      return append_number(digits.data(), integer_of(one.part, random));
    }
  }
}

char* CommandTemplate::write_key(char* at, std::uint64_t key) const {
  at = append(at, names_.prefix);
  if (names_.tags != 0) {
    *at++ = '{';
    at = append_digits(at, key % names_.tags, kTagDigits);
    at = append(at, "}:");
  }
  std::memset(at, '0', names_.zeros);
  return append_digits(at + names_.zeros, key, names_.digits);
}

char* CommandTemplate::write_part(const VaryingPart& one, const OperationRequest& request,
                                  char* at) const {
  const std::uint64_t random = seed_of(request, one.hole);
  switch (one.part.placeholder) {
    case Placeholder::none:
      return append(at, one.part.literal);
    case Placeholder::key:
      return write_key(at, key_number(request, one.part.number));
    case Placeholder::value: {
      const std::size_t size = values_->size(random);
      values_->fill(at, size, random, request.key);
      return at + size;
    }
    case Placeholder::field:
      return append_digits(append(at, kFieldText), scale(random, fields_), kElementDigits);
    case Placeholder::member:
      return append_digits(append(at, kMemberText), scale(random, members_), kElementDigits);
    case Placeholder::score:
      return append_digits(append(at, "0."), scale(random, kScores), kElementDigits);
    case Placeholder::choice:
      return append(at, one.part.choices[scale(random, one.part.choices.size())]);
    default:
      return at + append_number(at, integer_of(one.part, random));
  }
}

// Its length stands before it, so it is measured first: every draw follows from the request, and is
// simply made twice.
void CommandTemplate::encode_word(const std::vector<VaryingPart>& word,
                                  const OperationRequest& request, OutputBuffer& out) const {
  std::size_t length = 0;
  for (const VaryingPart& one : word) length += size_of(one, seed_of(request, one.hole));
  char* const start = out.reserve(length + kNumber + 8);
  char* at = start;
  *at++ = '$';
  at += append_number(at, static_cast<std::int64_t>(length));
  at = append(at, "\r\n");
  for (const VaryingPart& one : word) at = write_part(one, request, at);
  at = append(at, "\r\n");
  out.commit(static_cast<std::size_t>(at - start));
}

}  // namespace redisload
