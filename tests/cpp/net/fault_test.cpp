#include "redisload/net/fault.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace redisload {
namespace {

TEST(ErrorCode, IsTheFirstCapitalisedWord) {
  EXPECT_EQ(error_code("WRONGTYPE Operation against a key"), "WRONGTYPE");
  EXPECT_EQ(error_code("MOVED 3999 127.0.0.1:6381"), "MOVED");
  EXPECT_EQ(error_code("NOAUTH"), "NOAUTH");
  EXPECT_EQ(error_code("ERR unknown command"), "ERR");
  EXPECT_EQ(error_code("OOM command not allowed"), "OOM");
  EXPECT_EQ(error_code("MY_MODULE2 says no"), "MY_MODULE2");
  EXPECT_EQ(error_code("-"), "ERR");
  EXPECT_EQ(error_code(""), "ERR");
  EXPECT_EQ(error_code("E"), "ERR");
  EXPECT_EQ(error_code("wrong kind"), "ERR");
  EXPECT_EQ(error_code("Wrong kind"), "ERR");
  EXPECT_EQ(error_code("ERR: colon"), "ERR");
  EXPECT_EQ(error_code(" ERR"), "ERR");
  EXPECT_EQ(error_code("2FAST"), "ERR");
  EXPECT_EQ(error_code("AB\r"), "ERR");
}

TEST(ErrorCode, OfAnEndlessWordIsNoWord) {
  EXPECT_EQ(error_code(std::string(32, 'A') + " x"), std::string(32, 'A'));
  EXPECT_EQ(error_code(std::string(33, 'A')), "ERR");
}

TEST(DescribeIo, NamesWhatTheSystemSaid) {
  const auto kind = [](int error) {
    return describe_io({IoStatus::failed, 0, error}, "connect", "h:1").kind;
  };
  EXPECT_EQ(kind(ECONNREFUSED), "connection.refused");
  EXPECT_EQ(kind(ENOENT), "connection.refused");
  EXPECT_EQ(kind(EAGAIN), "connection.refused");
  EXPECT_EQ(kind(ECONNRESET), "connection.reset");
  EXPECT_EQ(kind(EPIPE), "connection.reset");
  EXPECT_EQ(kind(ETIMEDOUT), "connection.timed_out");
  EXPECT_EQ(kind(EHOSTUNREACH), "connection.unreachable");
  EXPECT_EQ(kind(EMFILE), "connection.no_descriptors");
  EXPECT_EQ(kind(EADDRNOTAVAIL), "connection.no_ports");
  EXPECT_EQ(kind(EILSEQ), "connection.error");
  const Fault closed = describe_io({IoStatus::closed, 0, 0}, "auth", "h:1");
  EXPECT_EQ(closed.kind, "connection.closed");
  EXPECT_EQ(closed.stage, "auth");
  EXPECT_NE(closed.message.find("h:1"), std::string::npos);
}

TEST(DescribeProtocol, NamesTheFault) {
  EXPECT_EQ(describe_protocol(ProtocolFault::too_large, "s", "h:1").kind, "protocol.too_large");
  EXPECT_EQ(describe_protocol(ProtocolFault::nesting, "s", "h:1").kind, "protocol.nesting");
  const Fault invalid = describe_protocol(ProtocolFault::invalid, "first_reply", "h:1");
  EXPECT_EQ(invalid.kind, "protocol.invalid");
  EXPECT_EQ(invalid.stage, "first_reply");
  EXPECT_NE(invalid.message.find("h:1"), std::string::npos);
}

}  // namespace
}  // namespace redisload
