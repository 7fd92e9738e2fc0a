// Opening a connection: connect, handshake, refusals, deadlines, addresses, backoff. No socket.
#include <gtest/gtest.h>

#include <cerrno>

#include "support/connection_rig.hpp"

namespace redisload {
namespace {

using test::ConnectionRig;
using test::io_failed;
using test::kIoBlocked;
using test::kIoClosed;

TargetConfig with_password() {
  TargetConfig target;
  target.password = "secret";
  return target;
}

TEST(ConnectionSetup, ConnectsShakesHandsAndIsReady) {
  ConnectionRig rig;
  rig.script.connects = {kIoBlocked};
  rig.script.finishes = {kIoBlocked};
  ASSERT_TRUE(rig.open());
  EXPECT_EQ(rig.connection.state(), Connection::State::connecting);
  ASSERT_TRUE(rig.progress());  // spurious readiness
  EXPECT_EQ(rig.connection.state(), Connection::State::connecting);
  EXPECT_TRUE(rig.script.written.empty());
  rig.clock.advance(kMillisecond);
  ASSERT_TRUE(rig.progress());
  EXPECT_EQ(rig.connection.state(), Connection::State::handshake);
  EXPECT_EQ(rig.script.written, rig.connection.handshake().bytes);
  EXPECT_EQ(rig.connection.deadline_ns(), rig.clock.now_ns() + 3 * kSecond);
  rig.script.receive("+O");
  rig.script.receive("K\r\n");
  ASSERT_TRUE(rig.progress());
  EXPECT_TRUE(rig.connection.ready());
  EXPECT_EQ(rig.connection.deadline_ns(), kNever);
  EXPECT_EQ(rig.connection.handshake_sent(), 1U);
}

TEST(ConnectionSetup, HandshakeInManyWritesAndReads) {
  ConnectionRig rig(with_password());
  rig.script.writes = {5, 0, 7, 0, 1'000};
  ASSERT_TRUE(rig.open());
  EXPECT_TRUE(rig.connection.write_blocked());
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(rig.progress());
  EXPECT_FALSE(rig.connection.write_blocked());
  EXPECT_EQ(rig.script.written, rig.connection.handshake().bytes);
  for (const char c : std::string("+OK\r\n+OK\r")) rig.script.receive(std::string(1, c));
  ASSERT_TRUE(rig.progress());
  EXPECT_FALSE(rig.connection.ready());
  rig.script.receive("\n");
  ASSERT_TRUE(rig.progress());
  EXPECT_TRUE(rig.connection.ready());
}

struct Refusal {
  const char* name;
  const char* reply;
  bool password;
  std::optional<int> protocol;
  const char* kind;
  const char* stage;
};

class HandshakeRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(HandshakeRefusal, IsAFaultOfItsStage) {
  const Refusal& refusal = GetParam();
  TargetConfig target;
  if (refusal.password) target.password = "secret";
  target.protocol = refusal.protocol;
  target.database = 3;
  ConnectionRig rig(target);
  ASSERT_TRUE(rig.open());
  rig.script.receive(refusal.reply);
  EXPECT_FALSE(rig.progress());
  EXPECT_EQ(rig.connection.state(), Connection::State::closed);
  EXPECT_FALSE(rig.script.open);
  EXPECT_EQ(rig.connection.fault().kind, refusal.kind);
  EXPECT_EQ(rig.connection.fault().stage, refusal.stage);
  EXPECT_EQ(rig.connection.fault().message.find("secret"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Each, HandshakeRefusal,
    ::testing::Values(
        Refusal{"WrongPassword",
                "-WRONGPASS invalid username-password pair\r\n",
                true,
                {},
                "auth.WRONGPASS",
                "auth"},
        Refusal{"NoPasswordSet",
                "-ERR AUTH <password> called without any password configured\r\n",
                true,
                {},
                "auth.ERR",
                "auth"},
        Refusal{"NoAuthOnSelect",
                "-NOAUTH Authentication required.\r\n",
                false,
                {},
                "auth.NOAUTH",
                "auth"},
        Refusal{"NoPermission",
                "-NOPERM this user has no permissions to run the 'select' command\r\n",
                false,
                {},
                "auth.NOPERM",
                "auth"},
        Refusal{"NoSuchDatabase",
                "-ERR DB index is out of range\r\n",
                false,
                {},
                "reply.ERR",
                "handshake"},
        Refusal{"NoSuchProtocol", "-NOPROTO unsupported protocol version\r\n", false, 3,
                "reply.NOPROTO", "handshake"},
        Refusal{"HelloPassword", "-WRONGPASS invalid\r\n", true, 3, "auth.WRONGPASS", "auth"},
        Refusal{
            "Garbage", "HTTP/1.1 400 Bad Request\r\n", false, {}, "protocol.invalid", "handshake"},
        Refusal{"TooLarge", "$99999999999999\r\n", true, {}, "protocol.too_large", "auth"}),
    [](const auto& each) { return each.param.name; });

TEST(ConnectionSetup, NoAuthForSetnameIsARefusal) {
  ConnectionRig rig;
  ASSERT_TRUE(rig.open());
  rig.script.receive("-NOAUTH Authentication required.\r\n");
  EXPECT_FALSE(rig.progress());
  EXPECT_EQ(rig.connection.fault().kind, "auth.NOAUTH");
  EXPECT_NE(rig.connection.fault().message.find("password"), std::string::npos);
}

TEST(ConnectionSetup, RefusedSetnameIsFine) {
  ConnectionRig rig;
  ASSERT_TRUE(rig.open());
  rig.script.receive("-ERR unknown subcommand 'SETNAME'\r\n");
  EXPECT_TRUE(rig.progress());
  EXPECT_TRUE(rig.connection.ready());
}

// A full server says so in place of its first answer, then hangs up.
TEST(ConnectionSetup, WhatTheServerSaidBeforeItHungUpIsTold) {
  ConnectionRig rig;
  ASSERT_TRUE(rig.open());
  rig.script.receive("-ERR max number of clients reached\r\n");
  rig.script.receive(kIoClosed);
  if (rig.progress()) {
    EXPECT_FALSE(rig.receive(true));
  }
  EXPECT_EQ(rig.connection.fault().kind, "connection.closed");
  EXPECT_NE(rig.connection.fault().message.find("max number of clients reached"),
            std::string::npos);
}

TEST(ConnectionSetup, ARefusalIsForgottenOnceAnOperationWasAnswered) {
  ConnectionRig rig;
  ASSERT_TRUE(rig.open());
  rig.script.receive("-ERR unknown subcommand 'SETNAME'\r\n");
  ASSERT_TRUE(rig.progress());
  rig.push("X");
  ASSERT_TRUE(rig.flush());
  rig.script.receive("+OK\r\n");
  ASSERT_TRUE(rig.receive());
  rig.script.receive(kIoClosed);
  ASSERT_FALSE(rig.receive(true));
  EXPECT_EQ(rig.connection.fault().message.find("SETNAME"), std::string::npos);
}

TEST(ConnectionSetup, ClosedInTheHandshake) {
  ConnectionRig rig(with_password());
  ASSERT_TRUE(rig.open());
  rig.script.receive(kIoClosed);
  EXPECT_FALSE(rig.progress());
  EXPECT_EQ(rig.connection.fault().kind, "connection.closed");
  EXPECT_EQ(rig.connection.fault().stage, "auth");
}

TEST(ConnectionSetup, MoreAnswersThanQuestionsIsInvalid) {
  ConnectionRig rig;
  ASSERT_TRUE(rig.open());
  rig.script.receive("+OK\r\n+OK\r\n");
  EXPECT_FALSE(rig.progress());
  EXPECT_EQ(rig.connection.fault().kind, "protocol.invalid");
}

TEST(ConnectionSetup, PushesInTheHandshakeAreNoAnswers) {
  ConnectionRig rig;
  ASSERT_TRUE(rig.open());
  rig.script.receive(">2\r\n+invalidate\r\n*0\r\n");
  ASSERT_TRUE(rig.progress());
  EXPECT_FALSE(rig.connection.ready());
  rig.script.receive("+OK\r\n");
  ASSERT_TRUE(rig.progress());
  EXPECT_TRUE(rig.connection.ready());
}

TEST(ConnectionSetup, ConnectDeadline) {
  ConnectionRig rig;
  rig.script.connects = {kIoBlocked};
  ASSERT_TRUE(rig.open());
  rig.clock.advance(2 * kSecond - 1);
  EXPECT_TRUE(rig.connection.check_deadline(rig.clock.now_ns()));
  rig.clock.advance(1);
  EXPECT_FALSE(rig.connection.check_deadline(rig.clock.now_ns()));
  EXPECT_EQ(rig.connection.fault().kind, "timeout.connect");
  EXPECT_EQ(rig.connection.fault().stage, "connect");
  EXPECT_FALSE(rig.script.open);
}

TEST(ConnectionSetup, HandshakeDeadlineCountsFromTheConnect) {
  ConnectionRig rig(with_password());
  rig.script.connects = {kIoBlocked};
  ASSERT_TRUE(rig.open());
  rig.clock.advance(kSecond);
  ASSERT_TRUE(rig.progress());
  rig.clock.advance(3 * kSecond - 1);
  EXPECT_TRUE(rig.connection.check_deadline(rig.clock.now_ns()));
  rig.clock.advance(1);
  EXPECT_FALSE(rig.connection.check_deadline(rig.clock.now_ns()));
  EXPECT_EQ(rig.connection.fault().kind, "timeout.handshake");
  EXPECT_EQ(rig.connection.fault().stage, "auth");
}

TEST(ConnectionSetup, AReadyConnectionHasNoDeadline) {
  ConnectionRig rig;
  ASSERT_TRUE(rig.make_ready());
  rig.clock.advance(3'600 * kSecond);
  EXPECT_TRUE(rig.connection.check_deadline(rig.clock.now_ns()));
}

TEST(ConnectionSetup, AddressesAreTriedInTurn) {
  ConnectionRig rig({}, {"a:1", "b:1", "c:1"});
  rig.script.connects = {io_failed(ECONNREFUSED), kIoBlocked, kIoBlocked, io_failed(ECONNREFUSED)};
  rig.script.finishes = {io_failed(EHOSTUNREACH)};
  EXPECT_FALSE(rig.open());  // at once
  EXPECT_NE(rig.connection.fault().message.find("a:1"), std::string::npos);
  EXPECT_TRUE(rig.connection.has_untried_address());
  EXPECT_TRUE(rig.open());
  EXPECT_FALSE(rig.progress());  // in progress
  EXPECT_NE(rig.connection.fault().message.find("b:1"), std::string::npos);
  EXPECT_TRUE(rig.connection.has_untried_address());
  EXPECT_TRUE(rig.open());
  rig.clock.advance(2 * kSecond);
  EXPECT_FALSE(rig.connection.check_deadline(rig.clock.now_ns()));  // never
  EXPECT_NE(rig.connection.fault().message.find("c:1"), std::string::npos);
  EXPECT_FALSE(rig.connection.has_untried_address());
  EXPECT_FALSE(rig.open());
  EXPECT_TRUE(rig.make_ready());
  EXPECT_FALSE(rig.connection.has_untried_address());
  // A connection that once stood is opened again where it stood.
  rig.connection.close({});
  EXPECT_TRUE(rig.make_ready());
  EXPECT_EQ(rig.script.connected_to,
            (std::vector<std::string>{"a:1", "b:1", "c:1", "a:1", "b:1", "b:1"}));
}

TEST(ConnectionSetup, OneAddressLeavesNothingUntried) {
  ConnectionRig rig;
  rig.script.connects = {io_failed(ECONNREFUSED)};
  EXPECT_FALSE(rig.open());
  EXPECT_FALSE(rig.connection.has_untried_address());
}

TEST(ConnectionSetup, BackoffStartsAgainOnceReady) {
  ConnectionRig rig;
  for (int i = 0; i < 5; ++i) rig.connection.backoff().next();
  ASSERT_TRUE(rig.make_ready());
  EXPECT_EQ(rig.connection.backoff().failures(), 0);
}

TEST(Backoff, DoublesFromTenMillisecondsToASecondWithJitterInItsUpperHalf) {
  Backoff backoff({}, Random(3));
  bool spread = false;
  Duration before{0};
  for (int failure = 0; failure < 100; ++failure) {
    const Duration full = std::min<Duration>(
        std::chrono::seconds(1), std::chrono::milliseconds(10) * (1LL << std::min(failure, 20)));
    const Duration wait = backoff.next();
    EXPECT_GE(wait, full / 2);
    EXPECT_LE(wait, full);
    spread = spread || (failure > 20 && wait != before);
    before = wait;
  }
  EXPECT_TRUE(spread);
  EXPECT_EQ(backoff.failures(), 100);
  backoff.reset();
  EXPECT_LE(backoff.next(), std::chrono::milliseconds(10));
}

}  // namespace
}  // namespace redisload
