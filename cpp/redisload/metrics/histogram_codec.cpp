#include "redisload/metrics/histogram_codec.hpp"

#include <bit>
#include <limits>
#include <stdexcept>

#include "redisload/metrics/byte_codec.hpp"

namespace redisload {

namespace layout = histogram_layout;

namespace {

constexpr std::uint8_t kFormat = 1;
constexpr std::uint32_t kHdrV2Cookie = 0x1c849303U | 0x10U;
// HdrHistogram's own limit of a 64-bit histogram of 3 digits.
constexpr std::size_t kForeignIndexCount = 64 * static_cast<std::size_t>(layout::kHalfCount);

[[noreturn]] void reject(const char* why) {
  throw std::invalid_argument(std::string("not a histogram: ") + why);
}

std::uint64_t zigzag(std::int64_t value) {
  return static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63);
}
std::int64_t unzigzag(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}

// A run of empty buckets is its length, negated.
template <typename CountAt>
std::string encode_counts(std::size_t end, const CountAt& count_at) {
  ByteWriter writer;
  std::int64_t zeros = 0;
  for (std::size_t i = 0; i < end; ++i) {
    const std::uint64_t count = count_at(i);
    if (count == 0) {
      ++zeros;
      continue;
    }
    if (zeros != 0) writer.number(zigzag(zeros == 1 ? 0 : -zeros));
    zeros = 0;
    writer.number(zigzag(static_cast<std::int64_t>(count)));
  }
  return std::move(writer).take();
}

// Calls found(index, count) for each bucket that is not empty.
template <typename Found>
void decode_counts(std::string_view payload, std::size_t limit, const Found& found) {
  ByteReader reader(payload);
  std::size_t index = 0;
  while (!reader.at_end()) {
    const std::int64_t value = unzigzag(reader.number());
    if (value < 0) {
      const std::uint64_t zeros = 0 - static_cast<std::uint64_t>(value);
      if (zeros > limit - index) reject("its counts run past the last bucket");
      index += static_cast<std::size_t>(zeros);
      continue;
    }
    if (index >= limit) reject("its counts run past the last bucket");
    if (value != 0) found(index, static_cast<std::uint64_t>(value));
    ++index;
  }
}

void write_wide(ByteWriter& writer, Uint128 value) {
  writer.number(static_cast<std::uint64_t>(value));
  writer.number(static_cast<std::uint64_t>(value >> 64));
}
Uint128 read_wide(ByteReader& reader) {
  const std::uint64_t low = reader.number();
  return static_cast<Uint128>(reader.number()) << 64 | low;
}
std::int64_t read_time(ByteReader& reader) {
  const std::uint64_t value = reader.number();
  if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    reject("a time is out of range");
  }
  return static_cast<std::int64_t>(value);
}
void add_checked(std::uint64_t& sum, std::uint64_t count) {
  if (__builtin_add_overflow(sum, count, &sum)) reject("its counts are too large");
}

}  // namespace

std::string HistogramCodec::encode(const Histogram& h) {
  ByteWriter writer;
  writer.byte(kFormat);
  writer.number(h.overflow_);
  writer.number(h.censored_);
  writer.number(static_cast<std::uint64_t>(h.floor_ns_));
  writer.number(h.count_);
  if (h.count_ != 0) {
    writer.number(static_cast<std::uint64_t>(h.min_ns_));
    writer.number(static_cast<std::uint64_t>(h.max_ns_));
    write_wide(writer, h.sum_ns_);
    write_wide(writer, h.squares_);
    writer.text(encode_counts(h.index_end(), [&](std::size_t i) { return h.count_at(i); }));
  }
  return std::move(writer).take();
}

Histogram HistogramCodec::decode(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.byte() != kFormat) reject("its format is unknown");
  Histogram h;
  h.overflow_ = reader.number();
  h.censored_ = reader.number();
  h.floor_ns_ = read_time(reader);
  h.count_ = reader.number();
  std::uint64_t check = h.count_;
  add_checked(check, h.censored_);
  std::uint64_t counted = h.overflow_;
  std::size_t first = layout::kIndexCount;
  std::size_t last = 0;
  if (h.count_ != 0) {
    h.min_ns_ = read_time(reader);
    h.max_ns_ = read_time(reader);
    h.sum_ns_ = read_wide(reader);
    h.squares_ = read_wide(reader);
    decode_counts(reader.text(), layout::kIndexCount, [&](std::size_t i, std::uint64_t count) {
      h.at(i) = count;
      add_checked(counted, count);
      first = std::min(first, i);
      last = i;
    });
  }
  if (!reader.at_end()) reject("bytes are left over");
  if (counted != h.count_) reject("its counts do not add up");
  if (h.count_ == 0) return h;
  const bool beyond = h.overflow_ != 0;
  if (h.min_ns_ > h.max_ns_ || h.max_ns_ > layout::kClampNs ||
      (h.max_ns_ > layout::kHighestValueNs) != beyond ||
      (first < layout::kIndexCount && layout::index_of(h.min_ns_) != first) ||
      (first == layout::kIndexCount && h.min_ns_ <= layout::kHighestValueNs) ||
      (!beyond && layout::index_of(h.max_ns_) != last)) {
    reject("its extremes do not fit its counts");
  }
  return h;
}

std::string HistogramCodec::encode_hdr_v2(const Histogram& h) {
  const std::size_t end = h.overflow_ != 0 ? layout::kIndexCount : h.index_end();
  const std::string counts = encode_counts(end, [&](std::size_t i) {
    return h.count_at(i) + (i == layout::kLastIndex ? h.overflow_ : 0);
  });
  ByteWriter writer;
  writer.big_endian(kHdrV2Cookie, 4);
  writer.big_endian(counts.size(), 4);
  writer.big_endian(0, 4);  // normalizing index offset
  writer.big_endian(layout::kSignificantDigits, 4);
  writer.big_endian(1, 8);  // lowest discernible value
  writer.big_endian(static_cast<std::uint64_t>(layout::kHighestValueNs), 8);
  writer.big_endian(std::bit_cast<std::uint64_t>(1.0), 8);  // integer to double conversion ratio
  writer.raw(counts);
  return std::move(writer).take();
}

Histogram HistogramCodec::decode_hdr_v2(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.big_endian(4) != kHdrV2Cookie) reject("no HdrHistogram V2 encoding");
  const std::uint64_t size = reader.big_endian(4);
  const std::uint64_t offset = reader.big_endian(4);
  const std::uint64_t digits = reader.big_endian(4);
  const std::uint64_t lowest = reader.big_endian(8);
  reader.big_endian(8);  // the highest trackable value does not change the layout
  const auto ratio = std::bit_cast<double>(reader.big_endian(8));
  if (offset != 0 || digits != layout::kSignificantDigits || lowest != 1 || ratio != 1.0) {
    reject("another layout than lowest value 1, 3 significant digits, integer values");
  }
  Histogram h;
  std::uint64_t total = 0;
  const std::string_view counts = reader.raw(size);
  decode_counts(counts, kForeignIndexCount, [&](std::size_t i, std::uint64_t count) {
    add_checked(total, count);
    const std::int64_t low =
        i >= layout::index_of(layout::kClampNs) ? layout::kClampNs : layout::lowest_of(i);
    const std::int64_t high =
        i >= layout::index_of(layout::kClampNs) ? layout::kClampNs : layout::highest_of(i);
    const std::int64_t middle = i == layout::kLastIndex
                                    ? std::min(low + (high - low) / 2, layout::kHighestValueNs)
                                    : low + (high - low) / 2;
    h.record(middle, count);
    h.min_ns_ = std::min(h.min_ns_, low);
    h.max_ns_ = std::max(h.max_ns_, i == layout::kLastIndex ? layout::kHighestValueNs : high);
  });
  if (!reader.at_end()) reject("bytes are left over");
  return h;
}

}  // namespace redisload
