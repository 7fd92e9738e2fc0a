#include "redisload/net/in_flight.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace redisload {
namespace {

std::uint64_t push(InFlightWindow& window, std::uint64_t key) {
  return window.push().request.key = key;
}

void issue(InFlightWindow& window, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    if (!window.any_to_issue()) window.next_to_encode();
    window.next_to_issue();
    window.mark_issued();
  }
}

TEST(InFlightWindow, RunsAroundItsRingInOrder) {
  InFlightWindow window(5);  // no power of two
  std::uint64_t pushed = 0;
  std::uint64_t popped = 0;
  for (int round = 0; round < 1'000; ++round) {
    while (!window.full()) push(window, pushed++);
    EXPECT_EQ(window.size(), 5U);
    issue(window, 5 - window.issued());
    for (int i = 0; i < 1 + round % 5; ++i) {
      ASSERT_EQ(window.front().request.key, popped++);
      window.pop();
    }
  }
}

TEST(InFlightWindow, APlaceIsCleanWhenTakenAgain) {
  InFlightWindow window(1);
  InFlight& op = window.push();
  op.attempts = 3;
  op.expired = op.failed = op.continued = true;
  op.hits = 7;
  op.first_sent_ns = 9;
  issue(window, 1);
  window.pop();
  const InFlight& again = window.push();
  EXPECT_EQ(again.attempts, 0U);
  EXPECT_FALSE(again.expired || again.failed || again.continued);
  EXPECT_EQ(again.hits, 0U);
  EXPECT_EQ(again.first_sent_ns, -1);
}

TEST(InFlightWindow, DropIssuedLeavesTheRestToBeEncodedAgain) {
  InFlightWindow window(8);
  for (std::uint64_t key = 0; key < 5; ++key) push(window, key);
  for (int i = 0; i < 4; ++i) window.next_to_encode();
  issue(window, 2);
  EXPECT_EQ(window.issued(), 2U);
  EXPECT_EQ(window.unissued(), 3U);
  EXPECT_EQ(window.unissued_at(0).request.key, 2U);
  window.drop_issued();
  EXPECT_EQ(window.size(), 3U);
  EXPECT_EQ(window.issued(), 0U);
  EXPECT_EQ(window.next_to_encode().request.key, 2U);
}

TEST(InFlightWindow, DropUnissuedKeepsWhatIsUnderWay) {
  InFlightWindow window(8);
  for (std::uint64_t key = 0; key < 5; ++key) push(window, key);
  for (int i = 0; i < 4; ++i) window.next_to_encode();
  issue(window, 2);
  window.drop_unissued();
  EXPECT_EQ(window.size(), 2U);
  EXPECT_TRUE(window.all_encoded());
  EXPECT_FALSE(window.any_to_issue());
  EXPECT_EQ(window.issued_at(1).request.key, 1U);
  push(window, 9);
  EXPECT_EQ(window.next_to_encode().request.key, 9U);
}

}  // namespace
}  // namespace redisload
