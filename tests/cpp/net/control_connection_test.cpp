// The run's own questions: answered, refused, never answered, answered with rubbish.
#include "redisload/net/control_connection.hpp"

#include <gtest/gtest.h>

#include "support/test_server.hpp"

namespace redisload {
namespace {

using namespace std::chrono_literals;
using test::TestServer;
using Answer = TestServer::Answer;

Address address_of(const TargetConfig& target) {
  return resolve(target, 5s, [] { return false; }).front();
}

// Answers everything but the handshake with `bytes`.
class ControlConnectionTest : public ::testing::Test {
 protected:
  void server_says(std::string bytes, bool close = false) {
    server_ = std::make_unique<TestServer>([bytes, close](const TestServer::Command& command) {
      return command.words.front() == "CLIENT" ? TestServer::usual(command)
                                               : Answer{bytes, close, {}};
    });
  }
  ControlConnection connection(Duration timeout = 5s) {
    return ControlConnection(address_of(server_->target()), server_->target(), "app:control",
                             timeout);
  }
  std::unique_ptr<TestServer> server_;
};

TEST_F(ControlConnectionTest, AnswersAsText) {
  const std::vector<std::pair<std::string, std::optional<std::string>>> cases = {
      {"+PONG\r\n", "PONG"},         {":42\r\n", "42"},
      {"$3\r\nfoo\r\n", "foo"},      {"$0\r\n\r\n", ""},
      {"$-1\r\n", std::nullopt},     {"_\r\n", std::nullopt},
      {"-ERR no\r\n", std::nullopt}, {">1\r\n+push\r\n+OK\r\n", "OK"},
  };
  for (const auto& [bytes, expected] : cases) {
    server_says(bytes);
    ControlConnection control = connection();
    ASSERT_TRUE(control.connected());
    EXPECT_EQ(control.ask({"PING"}), expected) << bytes;
    EXPECT_EQ(control.ask({"PING"}), expected) << bytes << " again";
    EXPECT_TRUE(control.connected());
  }
}

TEST_F(ControlConnectionTest, Pairs) {
  for (const std::string type : {"*4", "%2"}) {
    server_says(type + "\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n:2\r\n");
    EXPECT_EQ(connection().ask_pairs({"CONFIG", "GET", "*"}),
              (std::map<std::string, std::string>{{"a", "1"}, {"b", "2"}}));
  }
  server_says("-NOPERM no\r\n");
  EXPECT_TRUE(connection().ask_pairs({"CONFIG", "GET", "*"}).empty());
}

TEST_F(ControlConnectionTest, Info) {
  const std::string text =
      "# Server\r\nredis_version:7.0.15\r\n\r\n# CPU\r\nused_cpu_sys:0.5\r\nempty:\r\nos:Linux "
      "a:b\r\n";
  server_says("$" + std::to_string(text.size()) + "\r\n" + text + "\r\n");
  const auto info = connection().info();
  EXPECT_EQ(info.at("redis_version"), "7.0.15");
  EXPECT_EQ(info.at("os"), "Linux a:b");
  EXPECT_EQ(info.at("empty"), "");
  EXPECT_EQ(info.size(), 4U);
}

TEST_F(ControlConnectionTest, CountsWhatItSent) {
  server_says("+OK\r\n");
  ControlConnection control = connection();
  control.ask({"PING"});
  control.ask({"PING"});
  control.ask_pairs({"CONFIG", "GET", "save"});
  EXPECT_EQ(control.sent(), server_->commands());
  EXPECT_EQ(control.sent().at("CLIENT|SETNAME"), 1U);
  EXPECT_EQ(control.sent().at("CONFIG|GET"), 1U);
}

TEST_F(ControlConnectionTest, ASilentServerCostsOneDeadlineThenNothing) {
  server_says("");
  ControlConnection control = connection(50ms);
  EXPECT_FALSE(control.ask({"PING"}).has_value());
  EXPECT_FALSE(control.connected());
  control.set_timeout(3600s);
  EXPECT_FALSE(control.ask({"PING"}).has_value());  // at once
  EXPECT_EQ(control.sent().at("PING"), 1U);
}

TEST_F(ControlConnectionTest, AnAnswerThatStopsHalfWayCostsTheDeadline) {
  server_ = std::make_unique<TestServer>([](const TestServer::Command& command) {
    if (command.words.front() == "CLIENT") return TestServer::usual(command);
    return Answer{"$1000000\r\nx", false, {}};
  });
  EXPECT_FALSE(connection(50ms).ask({"INFO"}).has_value());
}

TEST_F(ControlConnectionTest, RubbishIsNoAnswer) {
  std::string nested;
  for (int i = 0; i < 100'000; ++i) nested += "*1\r\n";
  for (const std::string& bytes :
       {nested, std::string("$99999999999999\r\n"), std::string("HTTP/1.1 400\r\n")}) {
    server_says(bytes);
    ControlConnection control = connection();
    EXPECT_TRUE(control.info().empty());
    EXPECT_FALSE(control.connected());
  }
}

TEST_F(ControlConnectionTest, AClosedConnectionIsNoAnswer) {
  server_says("+PO", true);
  EXPECT_FALSE(connection().ask({"PING"}).has_value());
}

TEST_F(ControlConnectionTest, NobodyThere) {
  TargetConfig target;
  target.port = test::refused_port();
  ControlConnection control(address_of(target), target, "app:control", 1s);
  EXPECT_FALSE(control.connected());
  EXPECT_FALSE(control.ask({"PING"}).has_value());
  EXPECT_TRUE(control.info().empty());
}

}  // namespace
}  // namespace redisload
