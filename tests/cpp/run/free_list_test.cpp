#include "redisload/run/free_list.hpp"

#include <gtest/gtest.h>

namespace redisload {
namespace {

TEST(FreeList, GivesTheLongestIdleFirst) {
  FreeList list(3);
  EXPECT_TRUE(list.empty());
  for (std::uint32_t round = 0; round < 100; ++round) {
    list.add(2);
    list.add(0);
    list.add(1);
    EXPECT_EQ(list.take(), 2U);
    list.add(2);
    EXPECT_EQ(list.take(), 0U);
    EXPECT_EQ(list.take(), 1U);
    EXPECT_EQ(list.take(), 2U);
    EXPECT_TRUE(list.empty());
  }
}

TEST(FreeList, HoldsEachOnce) {
  FreeList list(2);
  for (int i = 0; i < 10; ++i) list.add(1);
  EXPECT_EQ(list.take(), 1U);
  EXPECT_TRUE(list.empty());
  list.add(1);
  list.add(0);
  list.clear();
  EXPECT_TRUE(list.empty());
  list.add(0);
  EXPECT_EQ(list.take(), 0U);
}

}  // namespace
}  // namespace redisload
