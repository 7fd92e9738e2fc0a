#include "redisload/workload/command_table.hpp"

#include <gtest/gtest.h>

#include <string>

namespace redisload {
namespace {

TEST(CommandTable, KnowsTypesReadsAndKeys) {
  EXPECT_EQ(command_traits("GET").space, KeySpace::string);
  EXPECT_EQ(command_traits("GET").reads, Reads::value);
  EXPECT_FALSE(command_traits("GET").writes);
  EXPECT_TRUE(command_traits("SET").writes);
  EXPECT_FALSE(command_traits("SET").removes);
  EXPECT_TRUE(command_traits("DEL").removes);
  EXPECT_EQ(command_traits("DEL").space, KeySpace::any);
  EXPECT_EQ(command_traits("INCR").space, KeySpace::counter);
  EXPECT_EQ(command_traits("MGET").reads, Reads::elements);
  EXPECT_EQ(command_traits("LRANGE").reads, Reads::many);
  EXPECT_EQ(command_traits("LLEN").reads, Reads::count);
  EXPECT_EQ(command_traits("EVALSHA").first_key, 3);
  EXPECT_EQ(command_traits("XGROUP|CREATE").first_key, 2);
  EXPECT_EQ(command_traits("PING").first_key, 0);
}

TEST(CommandTable, AnUnknownCommandIsSentAllTheSame) {
  for (const char* name : {"", "NOPE", "get", "A", "ZZZ"}) {
    EXPECT_EQ(command_traits(name).space, KeySpace::any) << name;
    EXPECT_EQ(command_traits(name).reads, Reads::nothing) << name;
    EXPECT_EQ(command_traits(name).first_key, 1) << name;
  }
}

TEST(CommandTable, SubcommandsAreNamedWhereTheServerCountsThem) {
  EXPECT_TRUE(has_subcommands("CLIENT"));
  EXPECT_TRUE(has_subcommands("XGROUP"));
  EXPECT_FALSE(has_subcommands("GET"));
  EXPECT_FALSE(has_subcommands(""));
}

TEST(CommandTable, SpacesHaveTheNamesOfKeyPrefixes) {
  EXPECT_EQ(to_string(KeySpace::string), "string");
  EXPECT_EQ(to_string(KeySpace::zset), "zset");
  EXPECT_EQ(to_string(KeySpace::stream), "stream");
}

}  // namespace
}  // namespace redisload
