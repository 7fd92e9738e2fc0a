// Limits, malformed bytes and garbage: a fault or a wait, never a crash, never memory.
#include "redisload/net/reply_parser.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "support/reply_text.hpp"

namespace redisload {
namespace {

using test::ExpectedReply;

class ReplyParserTest : public ::testing::Test {
 protected:
  ProtocolFault feed(std::string_view chunk) {
    const std::unique_ptr<char[]> exact(new char[chunk.size()]);
    std::memcpy(exact.get(), chunk.data(), chunk.size());
    return parser_.feed({exact.get(), chunk.size()}, [&](const Reply& reply, std::size_t) {
      replies_.push_back(ExpectedReply::of(reply));
      return true;
    });
  }
  static std::string nested(int depth) {
    std::string bytes;
    for (int i = 0; i < depth; ++i) bytes += "*1\r\n";
    return bytes;
  }

  ReplyParser parser_;
  std::vector<ExpectedReply> replies_;
};

TEST_F(ReplyParserTest, HugeBulkIsTooLargeAtItsHeader) {
  EXPECT_EQ(feed("$99999999999999\r\n"), ProtocolFault::too_large);
  parser_.reset();
  EXPECT_EQ(feed("$99999999999999999999999999\r\n"),
            ProtocolFault::too_large);  // no 64 bits hold it
  parser_.reset();
  EXPECT_EQ(feed("$9999999999999"), ProtocolFault::none);
  EXPECT_EQ(feed("9\r\n"), ProtocolFault::too_large);
}

TEST_F(ReplyParserTest, BulkOf512MebibytesIsTheLargest) {
  for (const char type : {'$', '=', '!'}) {
    parser_.reset();
    EXPECT_EQ(feed(type + std::string("536870912\r\nx")), ProtocolFault::none) << type;
    EXPECT_FALSE(parser_.idle());
    parser_.reset();
    EXPECT_EQ(feed(type + std::string("536870913\r\n")), ProtocolFault::too_large) << type;
  }
}

TEST_F(ReplyParserTest, LargestBulkCostsNoMemoryAndEndsAtItsLastByte) {
  ASSERT_EQ(feed("$536870912\r\n"), ProtocolFault::none);
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 512; ++i) {
    ASSERT_EQ(parser_.feed(piece, [](const Reply&, std::size_t) { return true; }),
              ProtocolFault::none);
  }
  ASSERT_EQ(feed("\r"), ProtocolFault::none);
  EXPECT_TRUE(replies_.empty());
  ASSERT_EQ(feed("\n"), ProtocolFault::none);
  EXPECT_EQ(replies_, (std::vector<ExpectedReply>{{'$', false, 536'870'912, {}}}));
}

TEST_F(ReplyParserTest, AggregateLimit) {
  EXPECT_EQ(feed("*4294967296\r\n"), ProtocolFault::none);
  parser_.reset();
  EXPECT_EQ(feed("*4294967297\r\n"), ProtocolFault::too_large);
  parser_.reset();
  EXPECT_EQ(feed("%4294967297\r\n"), ProtocolFault::too_large);
}

TEST_F(ReplyParserTest, NestingOf32IsTheDeepest) {
  EXPECT_EQ(feed(nested(32) + ":1\r\n"), ProtocolFault::none);
  EXPECT_EQ(replies_.size(), 1U);
  EXPECT_EQ(feed(nested(33)), ProtocolFault::nesting);
}

TEST_F(ReplyParserTest, NestingOf100000IsAFault) {
  EXPECT_EQ(feed(nested(100'000)), ProtocolFault::nesting);
  EXPECT_TRUE(replies_.empty());
}

TEST_F(ReplyParserTest, EndlessLines) {
  // Text may be long, but not without end; its beginning is kept.
  constexpr std::size_t kMost = ReplyParser::kLongestLine;
  const std::string longest = "-ERR " + std::string(kMost - 6, 'x') + "\r\n";
  ASSERT_EQ(feed(longest), ProtocolFault::none);
  ASSERT_EQ(replies_.size(), 1U);
  EXPECT_EQ(replies_[0].text.substr(0, 5), "ERR x");
  EXPECT_LE(replies_[0].text.size(), Reply::kTextLimit);
  EXPECT_EQ(feed("-" + std::string(kMost - 1, 'x') + "\r\n"), ProtocolFault::too_large);

  parser_.reset();
  const std::string piece(1'000, 'x');
  ASSERT_EQ(feed("+"), ProtocolFault::none);
  ProtocolFault fault = ProtocolFault::none;
  std::size_t fed = 1;
  for (; fault == ProtocolFault::none && fed < 4 * kMost; fed += piece.size()) fault = feed(piece);
  EXPECT_EQ(fault, ProtocolFault::too_large);
  EXPECT_LE(fed, kMost + 2 * piece.size());
}

TEST_F(ReplyParserTest, EndlessNumberIsNotWaitedFor) {
  EXPECT_EQ(feed(":" + std::string(64, '1')), ProtocolFault::invalid);
  parser_.reset();
  EXPECT_EQ(feed("$" + std::string(10'000, '0')), ProtocolFault::invalid);
}

TEST_F(ReplyParserTest, MalformedBytesAreInvalid) {
  const std::vector<std::string> malformed = {"\n",
                                              "\r\n",
                                              "\n\n",
                                              std::string("\0", 1),
                                              std::string("\0\r\n", 3),
                                              "HTTP/1.1 400 Bad Request\r\n",
                                              "hello\r\n",
                                              "$\r\n",
                                              "$abc\r\n",
                                              "$1x\r\n",
                                              "$-2\r\n",
                                              "$+-5\r\n",
                                              "$ 1\r\n",
                                              "$-\r\n",
                                              ":\r\n",
                                              ":+\r\n",
                                              ":1.5\r\n",
                                              ":--1\r\n",
                                              ":+-1\r\n",
                                              ":9223372036854775808\r\n",
                                              ":-9223372036854775809\r\n",
                                              "*-2\r\n",
                                              "*x\r\n",
                                              "%-1\r\n",
                                              "~-1\r\n",
                                              ">-1\r\n",
                                              "|-1\r\n",
                                              "!-1\r\n",
                                              "=-1\r\n",
                                              "#x\r\n",
                                              "#\r\n",
                                              "#true\r\n",
                                              "_x\r\n",
                                              "+OK\n",
                                              ":1\n",
                                              "$1\n",
                                              "$1\r\nxx\r\n",
                                              "$0\r\nx",
                                              "$1\r\nx\n",
                                              "$1\r\nx\rx",
                                              "$?\r\n",
                                              "*2\r\n:1\r\nx",
                                              "@1\r\n",
                                              "\x16\x03\x01\n"};
  for (const std::string& bytes : malformed) {
    parser_.reset();
    EXPECT_EQ(feed(bytes), ProtocolFault::invalid) << ::testing::PrintToString(bytes);
    parser_.reset();  // and a byte at a time
    ProtocolFault fault = ProtocolFault::none;
    for (std::size_t i = 0; i < bytes.size() && fault == ProtocolFault::none; ++i)
      fault = feed(bytes.substr(i, 1));
    EXPECT_EQ(fault, ProtocolFault::invalid) << ::testing::PrintToString(bytes) << " in bytes";
  }
  EXPECT_TRUE(replies_.empty());
}

TEST_F(ReplyParserTest, FaultsStayUntilReset) {
  ASSERT_EQ(feed("x\r\n"), ProtocolFault::invalid);
  EXPECT_EQ(feed(":1\r\n"), ProtocolFault::invalid);
  EXPECT_FALSE(parser_.idle());
  parser_.reset();
  EXPECT_TRUE(parser_.idle());
  EXPECT_EQ(feed(":1\r\n"), ProtocolFault::none);
  EXPECT_EQ(replies_.size(), 1U);
}

TEST_F(ReplyParserTest, ResetForgetsHalfAReply) {
  for (const std::string half :
       {"$10\r\nabc", "*3\r\n:1\r\n", "-ERR hal", "!5\r\nab", "|1\r\n+a\r\n"}) {
    ASSERT_EQ(feed(half), ProtocolFault::none);
    parser_.reset();
    replies_.clear();
    ASSERT_EQ(feed("!3\r\nERR\r\n"), ProtocolFault::none);
    EXPECT_EQ(replies_, (std::vector<ExpectedReply>{{'!', false, 3, "ERR"}}));
  }
}

TEST_F(ReplyParserTest, RepliesBeforeAFaultAreStillAnswered) {
  EXPECT_EQ(feed(":1\r\n+OK\r\n?"), ProtocolFault::invalid);
  EXPECT_EQ(replies_.size(), 2U);
}

TEST_F(ReplyParserTest, StopsWhenTold) {
  int seen = 0;
  parser_.feed(":1\r\n:2\r\n:3\r\n", [&](const Reply&, std::size_t) { return ++seen < 2; });
  EXPECT_EQ(seen, 2);
}

// Bytes drawn from what protocol is made of go deeper than plain noise.
TEST_F(ReplyParserTest, RandomGarbageIsAFaultOrAWait) {
  Random random(23);
  const std::string alphabet = "+-:$*_,#(!=%~>|0123456789\r\n\r\ntx";
  for (int round = 0; round < 20'000; ++round) {
    parser_.reset();
    std::string bytes;
    for (std::uint64_t left = random.below(60); left != 0; --left) {
      bytes += round % 4 == 0 ? static_cast<char>(random.below(256))
                              : alphabet[random.below(alphabet.size())];
    }
    const std::size_t cut = random.below(bytes.size() + 1);
    const ProtocolFault first = feed(std::string_view(bytes).substr(0, cut));
    const ProtocolFault second = feed(std::string_view(bytes).substr(cut));
    if (first != ProtocolFault::none && cut < bytes.size()) {
      EXPECT_EQ(second, first);
    }
  }
}

TEST_F(ReplyParserTest, MutatedRepliesGiveTheSameFaultHoweverCut) {
  test::ReplyGenerator generator(29, "+-:$*_,#(!=%~>|");
  Random random(31);
  int faults = 0;
  for (int round = 0; round < 5'000; ++round) {
    std::string bytes = generator.next().bytes + generator.next().bytes;
    for (std::uint64_t changes = 1 + random.below(3); changes != 0; --changes) {
      bytes[random.below(bytes.size())] =
          static_cast<char>(random.below(2) == 0 ? random.below(256) : '0' + random.below(10));
    }
    parser_.reset();
    replies_.clear();
    const ProtocolFault whole = feed(bytes);
    const std::vector<ExpectedReply> at_once = std::move(replies_);
    parser_.reset();
    replies_.clear();
    ProtocolFault pieces = ProtocolFault::none;
    for (std::size_t i = 0; i < bytes.size() && pieces == ProtocolFault::none; ++i)
      pieces = feed(std::string_view(bytes).substr(i, 1));
    // A byte at a time a line's wrong beginning shows before its end, never later.
    if (whole != ProtocolFault::none) {
      ASSERT_NE(pieces, ProtocolFault::none) << ::testing::PrintToString(bytes);
    }
    ASSERT_EQ(replies_, at_once) << ::testing::PrintToString(bytes);
    faults += whole != ProtocolFault::none ? 1 : 0;
  }
  EXPECT_GT(faults, 500);
}

}  // namespace
}  // namespace redisload
