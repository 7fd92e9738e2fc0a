#include "redisload/net/address.hpp"

#include <gtest/gtest.h>
#include <sys/un.h>

#include "redisload/base/error.hpp"

namespace redisload {
namespace {

using namespace std::chrono_literals;

std::vector<Address> look_up(const TargetConfig& target) {
  return resolve(target, 5s, [] { return false; });
}

std::string stage_of_failure(const TargetConfig& target, Duration timeout = 5s,
                             bool cancelled = false) {
  try {
    resolve(target, timeout, [cancelled] { return cancelled; });
  } catch (const TargetError& error) {
    EXPECT_NE(std::string(error.what()), "");
    return error.stage();
  }
  return "";
}

TEST(Resolve, NumericAddresses) {
  TargetConfig target;
  target.port = 7000;
  const std::vector<Address> four = look_up(target);
  ASSERT_EQ(four.size(), 1U);
  EXPECT_EQ(four[0].family(), AF_INET);
  EXPECT_EQ(four[0].text, "127.0.0.1:7000");
  target.host = "::1";
  const std::vector<Address> six = look_up(target);
  ASSERT_EQ(six.size(), 1U);
  EXPECT_EQ(six[0].family(), AF_INET6);
  EXPECT_EQ(six[0].text, "[::1]:7000");
}

TEST(Resolve, LocalhostIsThisMachine) {
  TargetConfig target;
  target.host = "localhost";
  for (const Address& address : look_up(target)) {
    EXPECT_TRUE(address.text == "127.0.0.1:6379" || address.text == "[::1]:6379") << address.text;
  }
}

TEST(Resolve, UnixPathsAreTakenAsTheyAre) {
  TargetConfig target;
  target.host = "";
  target.unix_path = "/tmp/redis.sock";
  const std::vector<Address> found = look_up(target);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].family(), AF_UNIX);
  EXPECT_EQ(found[0].text, "/tmp/redis.sock");
  EXPECT_STREQ(reinterpret_cast<const sockaddr_un*>(found[0].raw())->sun_path, "/tmp/redis.sock");
}

TEST(Resolve, UnixPathsHaveALongestLength) {
  constexpr std::size_t kRoom = sizeof(sockaddr_un{}.sun_path);
  TargetConfig target;
  target.unix_path = "/" + std::string(kRoom - 2, 'x');
  EXPECT_EQ(look_up(target).size(), 1U);
  target.unix_path += "x";
  EXPECT_EQ(stage_of_failure(target), "resolve");
}

TEST(Resolve, UnknownNames) {
  TargetConfig target;
  target.host = "no-such-host.invalid";  // RFC 2606: never one
  EXPECT_EQ(stage_of_failure(target), "resolve");
}

TEST(Resolve, EndsWhenItIsCancelledOrOutOfTime) {
  TargetConfig target;
  target.host = "no-such-host.invalid";
  EXPECT_EQ(stage_of_failure(target, 3600s, true), "resolve");
  EXPECT_EQ(stage_of_failure(target, 0s), "resolve");
}

}  // namespace
}  // namespace redisload
