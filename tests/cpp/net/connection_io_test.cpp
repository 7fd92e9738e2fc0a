// Operations on a ready connection: writes that are cut short, replies in pieces, breaks. No
// socket.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/connection_rig.hpp"

namespace redisload {
namespace {

using test::ConnectionRig;
using test::io_failed;
using test::kIoClosed;
using Seen = ConnectionRig::Seen;
using Sent = ConnectionRig::Sent;

class ConnectionIo : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(rig_.make_ready()); }
  std::vector<bool> written() {
    std::vector<bool> whole;
    InFlightWindow& window = rig_.connection.window();
    for (std::size_t k = 0; k < window.issued(); ++k)
      whole.push_back(rig_.connection.wholly_written(window.issued_at(k)));
    return whole;
  }
  ConnectionRig rig_;
};

TEST_F(ConnectionIo, AWindowIsOneWriteWithOneSentTime) {
  for (const char* text : {"aaaa", "bb", "cccccc"}) rig_.push(text);
  const std::int64_t now_ns = rig_.clock.now_ns();
  ASSERT_TRUE(rig_.flush());
  EXPECT_EQ(rig_.script.written, "aaaabbcccccc");
  EXPECT_EQ(rig_.script.write_calls, (std::vector<std::size_t>{12}));
  EXPECT_EQ(rig_.sent, (std::vector<Sent>{{0, now_ns}, {1, now_ns}, {2, now_ns}}));
  EXPECT_EQ(rig_.connection.window().issued(), 3U);
  EXPECT_EQ(rig_.connection.window().issued_at(2).bytes_sent, 6U);
  ASSERT_TRUE(rig_.flush());  // nothing waits: nothing is written
  EXPECT_EQ(rig_.script.write_calls.size(), 1U);
}

// Sent is when the first byte was taken; issued operations whose last byte was not are failed, not
// lost.
TEST_F(ConnectionIo, PartialWrites) {
  for (const char* text : {"aaaa", "bbbb", "cccc"}) rig_.push(text);
  rig_.script.writes = {6, 0, 2, 1, 1'000};
  const std::int64_t t0 = rig_.clock.now_ns();
  ASSERT_TRUE(rig_.flush());  // aaaabb
  EXPECT_EQ(rig_.sent, (std::vector<Sent>{{0, t0}, {1, t0}}));
  EXPECT_EQ(written(), (std::vector<bool>{true, false}));
  EXPECT_TRUE(rig_.connection.write_blocked());
  rig_.clock.advance(100);
  ASSERT_TRUE(rig_.flush());  // blocked
  EXPECT_EQ(rig_.sent.size(), 2U);
  rig_.clock.advance(100);
  ASSERT_TRUE(rig_.flush());  // bb: exactly up to c, of which no byte went
  EXPECT_EQ(rig_.sent.size(), 2U);
  EXPECT_EQ(written(), (std::vector<bool>{true, true}));
  rig_.clock.advance(100);
  ASSERT_TRUE(rig_.flush());  // c
  EXPECT_EQ(rig_.sent.back(), (Sent{2, t0 + 300}));
  EXPECT_EQ(written(), (std::vector<bool>{true, true, false}));
  rig_.clock.advance(100);
  ASSERT_TRUE(rig_.flush());
  EXPECT_EQ(rig_.sent.size(), 3U);
  EXPECT_EQ(written(), (std::vector<bool>{true, true, true}));
  EXPECT_FALSE(rig_.connection.write_blocked());
  EXPECT_EQ(rig_.script.written, "aaaabbbbcccc");
}

TEST_F(ConnectionIo, WhatComesAfterALeftoverKeepsItsPlace) {
  rig_.push("aaaa");
  rig_.script.writes = {1};
  ASSERT_TRUE(rig_.flush());
  rig_.push("bbbb");
  ASSERT_TRUE(rig_.flush());
  EXPECT_EQ(rig_.script.written, "aaaabbbb");
  EXPECT_EQ(written(), (std::vector<bool>{true, true}));
}

TEST_F(ConnectionIo, LargeWindowsGoOutInSeveralWrites) {
  const std::string large(200 << 10, 'x');
  for (int i = 0; i < 3; ++i) rig_.push(large);
  ASSERT_TRUE(rig_.flush());
  EXPECT_EQ(rig_.script.write_calls.size(), 2U);
  EXPECT_EQ(rig_.sent.size(), 3U);
  EXPECT_EQ(rig_.script.written.size(), 3 * large.size());
}

TEST_F(ConnectionIo, DropUnissuedKeepsTheRestOfAHalfWrittenOperation) {
  for (const char* text : {"aaaa", "bbbb", "cccc"}) rig_.push(text);
  rig_.script.writes = {6};
  ASSERT_TRUE(rig_.flush());
  rig_.push("dddd");  // not even encoded
  rig_.connection.drop_unissued();
  EXPECT_EQ(rig_.connection.window().size(), 2U);
  rig_.push("eeee");
  ASSERT_TRUE(rig_.flush());
  EXPECT_EQ(rig_.script.written, "aaaabbbbeeee");
  EXPECT_EQ(written(), (std::vector<bool>{true, true, true}));
  EXPECT_EQ(rig_.sent.back().key, 4U);
}

TEST_F(ConnectionIo, DropUnissuedAtABoundary) {
  for (const char* text : {"aaaa", "bbbb"}) rig_.push(text);
  rig_.script.writes = {4};
  ASSERT_TRUE(rig_.flush());
  ASSERT_TRUE(rig_.connection.write_blocked());
  rig_.connection.drop_unissued();
  EXPECT_FALSE(rig_.connection.write_blocked());
  rig_.push("cc");
  ASSERT_TRUE(rig_.flush());
  EXPECT_EQ(rig_.script.written, "aaaacc");
}

TEST_F(ConnectionIo, EachReplyHasItsOwnOperationAndTime) {
  for (int i = 0; i < 3; ++i) rig_.push("x");
  ASSERT_TRUE(rig_.flush());
  rig_.clock.advance(50);
  const std::int64_t first = rig_.clock.now_ns();
  rig_.script.receive(":1\r\n$3\r\nfoo\r\n-E");
  ASSERT_TRUE(rig_.receive());
  rig_.clock.advance(50);
  rig_.script.receive("RR\r\n");
  ASSERT_TRUE(rig_.receive());
  EXPECT_EQ(rig_.seen,
            (std::vector<Seen>{{0, ':', 4, first}, {1, '$', 9, first}, {2, '-', 6, first + 50}}));
  EXPECT_TRUE(rig_.connection.window().empty());
  EXPECT_EQ(rig_.connection.last_heard_ns(), first + 50);
}

TEST_F(ConnectionIo, AReplyOverManyReadsCountsAllItsBytes) {
  rig_.push("x");
  ASSERT_TRUE(rig_.flush());
  const std::string reply = "$1000\r\n" + std::string(1'000, 'v') + "\r\n";
  rig_.script.receive(reply.substr(0, 500));  // the buffer holds 64
  ASSERT_TRUE(rig_.receive());
  EXPECT_TRUE(rig_.seen.empty());
  rig_.script.receive(reply.substr(500));
  while (rig_.seen.empty()) ASSERT_TRUE(rig_.receive());
  EXPECT_EQ(rig_.seen.front().bytes, reply.size());
}

TEST_F(ConnectionIo, SeveralRepliesOfOneOperation) {
  rig_.push("multi", 3);
  rig_.push("x");
  ASSERT_TRUE(rig_.flush());
  rig_.script.receive("+OK\r\n+QUEUED\r\n");
  ASSERT_TRUE(rig_.receive());
  EXPECT_EQ(rig_.connection.window().issued(), 2U);
  rig_.script.receive("*1\r\n:1\r\n:9\r\n");
  ASSERT_TRUE(rig_.receive());
  ASSERT_EQ(rig_.seen.size(), 4U);
  EXPECT_EQ(rig_.seen[2].key, 0U);
  EXPECT_EQ(rig_.seen[3].key, 1U);
}

TEST_F(ConnectionIo, PushesTakeNoOperation) {
  rig_.push("x");
  ASSERT_TRUE(rig_.flush());
  rig_.script.receive(">2\r\n$3\r\nfoo\r\n:1\r\n+OK\r\n");
  rig_.script.receive(">1\r\n+late\r\n");  // also with nothing in flight
  ASSERT_TRUE(rig_.receive());
  ASSERT_TRUE(rig_.receive());
  ASSERT_EQ(rig_.seen.size(), 1U);
  EXPECT_EQ(rig_.seen[0].type, '+');
  EXPECT_EQ(rig_.seen[0].bytes, 5U);
}

TEST_F(ConnectionIo, AReplyWithoutARequestIsInvalid) {
  rig_.script.receive("+OK\r\n");
  EXPECT_FALSE(rig_.receive());
  EXPECT_EQ(rig_.connection.fault().kind, "protocol.invalid");
  EXPECT_EQ(rig_.connection.fault().stage, "first_reply");
}

TEST_F(ConnectionIo, AReplyToWhatWasNotWrittenYetIsInvalid) {
  rig_.push("x");
  rig_.script.writes = {0};
  ASSERT_TRUE(rig_.flush());
  rig_.script.receive("+OK\r\n");
  EXPECT_FALSE(rig_.receive());
  EXPECT_EQ(rig_.connection.fault().kind, "protocol.invalid");
  EXPECT_EQ(rig_.connection.window().size(), 1U);
}

TEST_F(ConnectionIo, ClosedInTheMiddleOfTheWindow) {
  for (int i = 0; i < 4; ++i) rig_.push("xx");
  rig_.script.writes = {7};
  ASSERT_TRUE(rig_.flush());
  rig_.script.receive("+OK\r\n+O");
  rig_.script.receive(kIoClosed);
  EXPECT_FALSE(rig_.receive(true));
  EXPECT_EQ(rig_.connection.fault().kind, "connection.closed");
  EXPECT_EQ(rig_.connection.fault().stage, "operation");
  EXPECT_EQ(rig_.seen.size(), 1U);
  // Its owner accounts for three: two may have run, the half-written one cannot have.
  EXPECT_EQ(written(), (std::vector<bool>{true, true, false}));
  rig_.connection.window().drop_issued();
  rig_.push("again");
  ASSERT_TRUE(rig_.make_ready());
  ASSERT_TRUE(rig_.flush());
  rig_.script.receive("+OK\r\n");  // not joined to the half reply of the former socket
  ASSERT_TRUE(rig_.receive());
  EXPECT_EQ(rig_.seen.back(), (Seen{4, '+', 5, rig_.clock.now_ns()}));
}

TEST_F(ConnectionIo, UnissuedOperationsAreEncodedAgainForTheNextSocket) {
  for (const char* text : {"aa", "bb", "cc"}) rig_.push(text);
  rig_.script.writes = {1};
  ASSERT_TRUE(rig_.flush());
  rig_.script.receive(io_failed(ECONNRESET));
  ASSERT_FALSE(rig_.receive());
  EXPECT_EQ(rig_.connection.fault().kind, "connection.reset");
  EXPECT_FALSE(rig_.connection.write_blocked());
  rig_.connection.window().drop_issued();
  ASSERT_TRUE(rig_.make_ready());
  ASSERT_TRUE(rig_.flush());
  EXPECT_EQ(rig_.script.written, "bbcc");
  EXPECT_EQ(written(), (std::vector<bool>{true, true}));
}

TEST_F(ConnectionIo, BrokenWhileWriting) {
  rig_.push("aa");
  rig_.script.write_failure = io_failed(EPIPE);
  EXPECT_FALSE(rig_.flush());
  EXPECT_EQ(rig_.connection.fault().kind, "connection.reset");
  EXPECT_EQ(rig_.connection.window().issued(), 0U);
  EXPECT_EQ(rig_.connection.window().unissued(), 1U);
}

// Edge-triggered: a hang-up, and bytes that only the transport sees, must be read to the end.
TEST_F(ConnectionIo, ReadsToTheEndWhenTold) {
  rig_.push("x");
  ASSERT_TRUE(rig_.flush());
  rig_.script.receive("+OK\r\n");
  rig_.script.receive(kIoClosed);
  EXPECT_FALSE(rig_.receive(true));
  EXPECT_EQ(rig_.seen.size(), 1U);

  ASSERT_TRUE(rig_.make_ready());
  for (int i = 0; i < 2; ++i) rig_.push("x");
  ASSERT_TRUE(rig_.flush());
  rig_.script.receive("+OK\r\n");
  rig_.script.receive("+OK\r\n");
  rig_.script.pending = true;
  ASSERT_TRUE(rig_.receive());
  EXPECT_EQ(rig_.seen.size(), 3U);
}

TEST_F(ConnectionIo, NestedWithoutEndIsAFaultOfTheOperation) {
  rig_.push("x");
  rig_.push("x");
  ASSERT_TRUE(rig_.flush());
  std::string bytes = "+OK\r\n";
  for (int i = 0; i < 40; ++i) bytes += "*1\r\n";
  rig_.script.receive(bytes);
  bool alive = true;
  while (alive) alive = rig_.receive();
  EXPECT_EQ(rig_.connection.fault().kind, "protocol.nesting");
  EXPECT_EQ(rig_.connection.window().issued(), 1U);
}

}  // namespace
}  // namespace redisload
