// The parser against hiredis' redisReader, reply by reply, and against itself over every chunking.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "redisload/net/reply_parser.hpp"
#include "support/reply_text.hpp"

namespace redisload {
namespace {

using test::ExpectedReply;
using test::GeneratedReply;
using test::ReplyGenerator;

// What redisReader knows: all but blob errors and, as a part of another reply, attributes.
const std::string kReaderTypes = "+-:$*_,#(=%~>";
const std::string kAllTypes = "+-:$*_,#(!=%~>|";

// Each chunk in memory of its own, so that the address sanitizer sees a look over its edge.
ProtocolFault feed(ReplyParser& parser, std::string_view chunk, std::vector<ExpectedReply>& into) {
  const std::unique_ptr<char[]> exact(new char[chunk.size()]);
  std::memcpy(exact.get(), chunk.data(), chunk.size());
  return parser.feed({exact.get(), chunk.size()}, [&](const Reply& reply, std::size_t) {
    into.push_back(ExpectedReply::of(reply));
    return true;
  });
}

ExpectedReply seen_by_hiredis(const redisReply& reply) {
  const std::string text = reply.str == nullptr ? std::string() : std::string(reply.str, reply.len);
  const auto length = static_cast<std::int64_t>(reply.len);
  const auto elements = static_cast<std::int64_t>(reply.elements);
  const std::string line = text.substr(0, Reply::kTextLimit - 1);
  switch (reply.type) {
    case REDIS_REPLY_STRING:
      return {'$', false, length, {}};
    case REDIS_REPLY_VERB:
      return {'=', false, length + 4, {}};  // it takes "txt:" away
    case REDIS_REPLY_INTEGER:
      return {':', false, reply.integer, {}};
    case REDIS_REPLY_STATUS:
      return {'+', false, 0, line};
    case REDIS_REPLY_ERROR:
      return {'-', false, 0, line};
    case REDIS_REPLY_DOUBLE:
      return {',', false, 0, line};
    case REDIS_REPLY_BIGNUM:
      return {'(', false, 0, line};
    case REDIS_REPLY_BOOL:
      return {'#', false, reply.integer, {}};
    case REDIS_REPLY_ARRAY:
      return {'*', false, elements, {}};
    case REDIS_REPLY_SET:
      return {'~', false, elements, {}};
    case REDIS_REPLY_PUSH:
      return {'>', false, elements, {}};
    case REDIS_REPLY_MAP:
      return {'%', false, elements / 2, {}};
    default:
      return {0, true, 0, {}};  // one type for every nil
  }
}

std::vector<ExpectedReply> read_with_hiredis(std::string_view bytes) {
  const std::unique_ptr<redisReader, void (*)(redisReader*)> reader(redisReaderCreate(),
                                                                    redisReaderFree);
  EXPECT_EQ(redisReaderFeed(reader.get(), bytes.data(), bytes.size()), REDIS_OK);
  std::vector<ExpectedReply> found;
  for (;;) {
    void* reply = nullptr;
    EXPECT_EQ(redisReaderGetReply(reader.get(), &reply), REDIS_OK) << reader->errstr;
    if (reply == nullptr) return found;
    found.push_back(seen_by_hiredis(*static_cast<redisReply*>(reply)));
    freeReplyObject(reply);
  }
}

ExpectedReply without_kind_of_nil(ExpectedReply reply) {
  return reply.nil ? ExpectedReply{0, true, 0, {}} : reply;
}

TEST(ReplyParserOracle, ReadsWhatHiredisReads) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    ReplyGenerator generator(seed, kReaderTypes);
    std::string stream;
    for (int i = 0; i < 2'000; ++i) stream += generator.next().bytes;
    ReplyParser parser;
    std::vector<ExpectedReply> found;
    ASSERT_EQ(feed(parser, stream, found), ProtocolFault::none);
    for (ExpectedReply& reply : found) reply = without_kind_of_nil(std::move(reply));
    const std::vector<ExpectedReply> expected = read_with_hiredis(stream);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      ASSERT_EQ(found[i], expected[i]) << "seed " << seed << ", reply " << i;
    EXPECT_TRUE(parser.idle());
  }
}

TEST(ReplyParserOracle, EveryTypeReadsAsGenerated) {
  ReplyGenerator generator(7, kAllTypes);
  for (int i = 0; i < 5'000; ++i) {
    const GeneratedReply one = generator.next();
    ReplyParser parser;
    std::vector<ExpectedReply> found;
    ASSERT_EQ(feed(parser, one.bytes, found), ProtocolFault::none);
    ASSERT_EQ(found.size(), 1U);
    ASSERT_EQ(found.front(), one.expected);
  }
}

TEST(ReplyParserOracle, EverySplitInTwoReadsTheSame) {
  ReplyGenerator generator(11, kAllTypes);
  for (int i = 0; i < 150; ++i) {
    const GeneratedReply one = generator.next();
    for (std::size_t cut = 1; cut < one.bytes.size(); ++cut) {
      ReplyParser parser;
      std::vector<ExpectedReply> found;
      ASSERT_EQ(feed(parser, one.bytes.substr(0, cut), found), ProtocolFault::none);
      ASSERT_TRUE(found.empty()) << "answered before the last byte, cut at " << cut;
      ASSERT_EQ(feed(parser, one.bytes.substr(cut), found), ProtocolFault::none);
      ASSERT_EQ(found, std::vector{one.expected}) << "cut at " << cut;
    }
  }
}

// All parts, as the sink sees them, however they were cut.
class Transcript final : public ReplySink {
 public:
  void element(char type, std::int64_t number, bool nil, int depth) override {
    text += "\n" + std::string(static_cast<std::size_t>(depth), ' ') + type +
            std::to_string(number) + (nil ? " nil " : " ");
  }
  void bytes(std::string_view chunk) override { text += chunk; }
  std::string text;
};

TEST(ReplyParserOracle, RandomChunkingsShowTheSinkTheSameParts) {
  // Lines cut by a chunk's end are kept up to kTextLimit only: short ones here.
  ReplyGenerator generator(13, ":$*_,#(!=%~>|");
  Random cuts(17);
  for (int round = 0; round < 40; ++round) {
    std::string stream;
    for (int i = 0; i < 30; ++i) stream += generator.next().bytes;
    Transcript whole;
    Transcript cut;
    std::vector<ExpectedReply> at_once;
    std::vector<ExpectedReply> in_pieces;
    ReplyParser parser;
    parser.set_sink(&whole);
    ASSERT_EQ(feed(parser, stream, at_once), ProtocolFault::none);
    parser.reset();
    parser.set_sink(&cut);
    const std::uint64_t longest = round % 4 == 0 ? 1 : 40;
    for (std::size_t at = 0; at < stream.size();) {
      const auto size = static_cast<std::size_t>(1 + cuts.below(longest));
      ASSERT_EQ(feed(parser, std::string_view(stream).substr(at, size), in_pieces),
                ProtocolFault::none);
      at += size;
    }
    ASSERT_EQ(at_once.size(), 30U);
    ASSERT_EQ(in_pieces, at_once);
    ASSERT_EQ(cut.text, whole.text);
  }
}

TEST(ReplyParserOracle, ConsumedCountsEveryByteOnce) {
  ReplyGenerator generator(19, kAllTypes);
  std::string stream;
  std::vector<std::size_t> ends;
  for (int i = 0; i < 200; ++i) {
    stream += generator.next().bytes;
    ends.push_back(stream.size());
  }
  ReplyParser parser;
  std::vector<std::size_t> consumed;
  parser.feed(stream, [&](const Reply&, std::size_t bytes) {
    consumed.push_back(bytes);
    return true;
  });
  EXPECT_EQ(consumed, ends);
}

}  // namespace
}  // namespace redisload
