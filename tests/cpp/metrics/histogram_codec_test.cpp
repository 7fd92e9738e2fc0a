#include "redisload/metrics/histogram_codec.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "redisload/base/random.hpp"
#include "redisload/metrics/byte_codec.hpp"

namespace redisload {
namespace {

Histogram sample_histogram() {
  Histogram h;
  Random random(3);
  for (int i = 0; i < 5000; ++i) h.record(static_cast<std::int64_t>(random.below(1 << 30)));
  h.record(7, 1'000'000'000'000);
  h.record(4'000'000'000'000, 2);
  h.record_censored(9);
  h.set_censored_floor(10'000'000'000);
  return h;
}

TEST(ByteCodec, NumbersReadBackAndTakeAtMostNineBytes) {
  ByteWriter writer;
  std::vector<std::uint64_t> numbers = {0, 1, 127, 128, 16383, 16384, UINT64_MAX};
  for (int bit = 0; bit < 64; ++bit) {
    numbers.push_back(std::uint64_t{1} << bit);
    numbers.push_back((std::uint64_t{1} << bit) - 1);
  }
  for (const auto n : numbers) {
    const std::size_t before = writer.size();
    writer.number(n);
    EXPECT_LE(writer.size() - before, 9u);
  }
  const std::string bytes = std::move(writer).take();
  ByteReader reader(bytes);
  for (const auto n : numbers) EXPECT_EQ(reader.number(), n);
  EXPECT_TRUE(reader.at_end());
  EXPECT_THROW(reader.byte(), std::invalid_argument);
}

TEST(HistogramCodec, KeepsEverything) {
  const Histogram h = sample_histogram();
  EXPECT_EQ(HistogramCodec::decode(HistogramCodec::encode(h)), h);
  EXPECT_EQ(HistogramCodec::decode(HistogramCodec::encode(Histogram{})), Histogram{});
  Histogram only_overflow;
  only_overflow.record(5'000'000'000'000);
  EXPECT_EQ(HistogramCodec::decode(HistogramCodec::encode(only_overflow)), only_overflow);
  Histogram only_censored;
  only_censored.record_censored(3);
  EXPECT_EQ(HistogramCodec::decode(HistogramCodec::encode(only_censored)), only_censored);
}

TEST(HistogramCodec, RejectsEveryTruncation) {
  const std::string bytes = HistogramCodec::encode(sample_histogram());
  for (std::size_t size = 0; size < bytes.size(); size += 1 + size / 50) {
    EXPECT_THROW(HistogramCodec::decode(std::string_view(bytes).substr(0, size)),
                 std::invalid_argument);
  }
  EXPECT_THROW(HistogramCodec::decode(bytes + "x"), std::invalid_argument);
}

TEST(HistogramCodec, DamagedBytesAreRejectedOrAHistogramThatAddsUp) {
  const std::string bytes = HistogramCodec::encode(sample_histogram());
  Random random(5);
  int rejected = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = bytes;
    for (int k = 0; k < 1 + i % 4; ++k) {
      damaged[random.below(damaged.size())] = static_cast<char>(random.below(256));
    }
    try {
      const Histogram h = HistogramCodec::decode(damaged);
      std::uint64_t sum = 0;
      for (const auto& bucket : h.buckets()) sum += bucket.count;
      EXPECT_EQ(sum, h.count());
    } catch (const std::invalid_argument&) {
      ++rejected;
    }
  }
  EXPECT_GT(rejected, 2000);
}

TEST(HistogramCodec, HdrV2HoldsTheCounts) {
  const Histogram h = sample_histogram();
  const Histogram back = HistogramCodec::decode_hdr_v2(HistogramCodec::encode_hdr_v2(h));
  EXPECT_EQ(back.count(), h.count());
  EXPECT_EQ(back.censored(), 0u);
  for (std::size_t i = 0; i + 1 < histogram_layout::kIndexCount; ++i) {
    ASSERT_EQ(back.count_at(i), h.count_at(i));
  }
  EXPECT_EQ(back.count_at(histogram_layout::kLastIndex), 2u);  // what was overflow
}

TEST(HistogramCodec, HdrV2HeaderIsTheFormats) {
  Histogram h;
  h.record(1, 1);
  const std::string bytes = HistogramCodec::encode_hdr_v2(h);
  const std::string header("\x1c\x84\x93\x13\0\0\0\2\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0\1", 24);
  EXPECT_EQ(bytes.substr(0, 24), header);
  // One empty bucket (a single zero is written as 0), then a count of 1, zigzagged.
  EXPECT_EQ(bytes.substr(40), std::string("\0\2", 2));
}

TEST(HistogramCodec, HdrV2OfAnotherLayoutIsRejected) {
  std::string bytes = HistogramCodec::encode_hdr_v2(sample_histogram());
  bytes[15] = 2;  // significant digits
  EXPECT_THROW(HistogramCodec::decode_hdr_v2(bytes), std::invalid_argument);
  EXPECT_THROW(HistogramCodec::decode_hdr_v2("nonsense"), std::invalid_argument);
  EXPECT_THROW(HistogramCodec::decode_hdr_v2(""), std::invalid_argument);
}

}  // namespace
}  // namespace redisload
