#include "redisload/metrics/error_kinds.hpp"

#include <gtest/gtest.h>

#include <string>

namespace redisload {
namespace {

TEST(ErrorKinds, TheSameNameHasTheSameNumber) {
  ErrorKinds kinds;
  const auto wrong_type = kinds.number("reply.WRONGTYPE");
  const auto reset = kinds.number("connection.reset");
  EXPECT_NE(wrong_type, reset);
  EXPECT_EQ(kinds.number("reply.WRONGTYPE"), wrong_type);
  EXPECT_EQ(kinds.name(wrong_type), "reply.WRONGTYPE");
  EXPECT_EQ(kinds.name(reset), "connection.reset");
}

TEST(ErrorKinds, AfterSixtyFourTheyAreOther) {
  ErrorKinds kinds;
  for (std::size_t i = 0; i < ErrorKinds::kNamed; ++i) {
    EXPECT_EQ(kinds.number("reply.E" + std::to_string(i)), i);
  }
  EXPECT_EQ(kinds.number("reply.NEW"), ErrorKinds::kOther);
  EXPECT_EQ(kinds.number("reply.NEWER"), ErrorKinds::kOther);
  EXPECT_EQ(kinds.number("reply.E63"), 63);
  EXPECT_EQ(kinds.name(ErrorKinds::kOther), "other");
}

TEST(ErrorKinds, LongNamesAreCutAndStillFound) {
  ErrorKinds kinds;
  const std::string name = "reply." + std::string(200, 'X');
  const auto number = kinds.number(name);
  EXPECT_EQ(kinds.number(name), number);
  EXPECT_EQ(kinds.name(number), name.substr(0, ErrorKinds::kNameBytes));
}

}  // namespace
}  // namespace redisload
