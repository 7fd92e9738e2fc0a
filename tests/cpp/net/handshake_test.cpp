#include "redisload/net/handshake.hpp"

#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

namespace redisload {
namespace {

// The same command, formatted by hiredis from its printf form.
template <typename... Arguments>
std::string formatted(const char* format, Arguments... arguments) {
  char* bytes = nullptr;
  const int size = redisFormatCommand(&bytes, format, arguments...);
  EXPECT_GT(size, 0);
  const std::string text(bytes, static_cast<std::size_t>(size));
  redisFreeCommand(bytes);
  return text;
}

std::vector<std::string> commands(const Handshake& handshake) {
  std::vector<std::string> names;
  for (const HandshakeStep& step : handshake.steps) names.push_back(step.command);
  return names;
}

TEST(MakeHandshake, NamesTheConnectionAtLeast) {
  const Handshake handshake = make_handshake({}, "app:w0:c1");
  EXPECT_EQ(handshake.bytes, formatted("CLIENT SETNAME %s", "app:w0:c1"));
  EXPECT_EQ(commands(handshake), (std::vector<std::string>{"CLIENT|SETNAME"}));
  EXPECT_TRUE(handshake.steps.back().optional);
}

TEST(MakeHandshake, PasswordAloneAuthenticatesTheDefaultUser) {
  TargetConfig target;
  target.password = "pass word\r\n";
  const Handshake handshake = make_handshake(target, "n");
  EXPECT_EQ(handshake.bytes, formatted("AUTH %s", "pass word\r\n") + formatted("CLIENT SETNAME n"));
  EXPECT_EQ(handshake.steps.front().stage, "auth");
  EXPECT_FALSE(handshake.steps.front().optional);
}

TEST(MakeHandshake, UserPasswordAndDatabase) {
  TargetConfig target;
  target.username = "alice";
  target.password = "";
  target.database = 12;
  const Handshake handshake = make_handshake(target, "n");
  EXPECT_EQ(handshake.bytes, formatted("AUTH alice %s", "") + formatted("SELECT 12") +
                                 formatted("CLIENT SETNAME n"));
  EXPECT_EQ(commands(handshake), (std::vector<std::string>{"AUTH", "SELECT", "CLIENT|SETNAME"}));
}

TEST(MakeHandshake, HelloCarriesThePassword) {
  TargetConfig target;
  target.protocol = 3;
  EXPECT_EQ(make_handshake(target, "n").bytes,
            formatted("HELLO 3") + formatted("CLIENT SETNAME n"));
  EXPECT_EQ(make_handshake(target, "n").steps.front().stage, "handshake");
  target.password = "secret";
  const Handshake handshake = make_handshake(target, "n");
  EXPECT_EQ(handshake.bytes,
            formatted("HELLO 3 AUTH default secret") + formatted("CLIENT SETNAME n"));
  EXPECT_EQ(handshake.steps.front().stage, "auth");
  target.username = "alice";
  EXPECT_EQ(make_handshake(target, "n").bytes,
            formatted("HELLO 3 AUTH alice secret") + formatted("CLIENT SETNAME n"));
}

TEST(FormatCommand, TakesAnyBytes) {
  const std::string binary("a\0b\r\n", 5);
  EXPECT_EQ(format_command({"SET", "k", binary}),
            formatted("SET k %b", binary.data(), binary.size()));
  EXPECT_EQ(format_command({"PING"}), "*1\r\n$4\r\nPING\r\n");
}

}  // namespace
}  // namespace redisload
