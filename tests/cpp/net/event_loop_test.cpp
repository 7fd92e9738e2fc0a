#include "redisload/net/event_loop.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "redisload/base/error.hpp"
#include "redisload/base/time_source.hpp"

namespace redisload {
namespace {

class EventLoopTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair_.data()), 0);
  }
  void TearDown() override {
    close(pair_[0]);
    if (pair_[1] >= 0) close(pair_[1]);
  }
  void peer_sends() { ASSERT_EQ(write(pair_[1], "x", 1), 1); }

  EventLoop loop_;
  std::array<int, 2> pair_{-1, -1};
};

TEST_F(EventLoopTest, TellsReadinessOncePerChange) {
  loop_.add(pair_[0], 42);
  auto ready = loop_.wait(kSecond);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].token, 42U);
  EXPECT_TRUE(ready[0].writable);
  EXPECT_FALSE(ready[0].hung_up);
  EXPECT_TRUE(loop_.wait(0).empty());
  peer_sends();
  EXPECT_EQ(loop_.wait(kSecond).size(), 1U);
  EXPECT_TRUE(loop_.wait(0).empty());  // unread, but no news
  peer_sends();
  EXPECT_EQ(loop_.wait(kNever).size(), 1U);
}

TEST_F(EventLoopTest, TellsAHangUp) {
  loop_.add(pair_[0], 1);
  ASSERT_EQ(loop_.wait(kSecond).size(), 1U);
  close(pair_[1]);
  pair_[1] = -1;
  const auto ready = loop_.wait(kSecond);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_TRUE(ready[0].hung_up);
}

TEST_F(EventLoopTest, AWakeEndsAWaitAndIsNoReadiness) {
  loop_.wake();
  loop_.wake();
  EXPECT_TRUE(loop_.wait(kNever).empty());
  EXPECT_TRUE(loop_.wait(0).empty());
}

TEST_F(EventLoopTest, WaitsNoShorterThanTold) {
  const MonotonicClock clock;
  const std::int64_t before_ns = clock.now_ns();
  EXPECT_TRUE(loop_.wait(2 * kMillisecond).empty());
  EXPECT_GE(clock.now_ns() - before_ns, 2 * kMillisecond);
  EXPECT_TRUE(loop_.wait(-5).empty());
}

TEST_F(EventLoopTest, ADescriptorThatIsNoneIsAnError) { EXPECT_THROW(loop_.add(-1, 1), RunError); }

}  // namespace
}  // namespace redisload
