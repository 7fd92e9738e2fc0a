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

TEST_F(ControlConnectionTest, InfoAsAVerbatimString) {
  server_says("=18\r\ntxt:io_threads:2\r\n\r\n");
  EXPECT_EQ(connection().info(), (std::map<std::string, std::string>{{"io_threads", "2"}}));
}

TEST_F(ControlConnectionTest, AsksSeveralQuestionsAtOnce) {
  server_ = std::make_unique<TestServer>([](const TestServer::Command& command) {
    const std::string& name = command.words.front();
    if (name == "CLIENT") return TestServer::usual(command);
    if (name == "SCAN")
      return Answer{"*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$2\r\n\r\n\r\n", false, {}};
    if (name == "TYPE") return Answer{">1\r\n+push\r\n-NOPERM no\r\n", false, {}};
    return Answer{"|1\r\n+key\r\n*1\r\n:9\r\n:-2\r\n", false, {}};
  });
  ControlConnection control = connection();
  for (int again = 0; again < 2; ++again) {
    const auto replies = control.ask_all({{"SCAN", "0"}, {"TYPE", "a"}, {"PTTL", "a"}});
    ASSERT_TRUE(replies.has_value());
    ASSERT_EQ(replies->size(), 3U);
    const ReplyTree& scan = replies->at(0);
    ASSERT_EQ(scan.children.size(), 2U);
    EXPECT_EQ(scan.children[0].as_text(), "0");
    ASSERT_EQ(scan.children[1].children.size(), 2U);
    EXPECT_EQ(scan.children[1].children[0].text, "a");
    EXPECT_EQ(scan.children[1].children[1].text, "\r\n");
    EXPECT_TRUE(replies->at(1).is_error());
    EXPECT_EQ(replies->at(1).text, "NOPERM no");
    EXPECT_EQ(replies->at(2).as_text(), "-2");
    EXPECT_TRUE(replies->at(2).children.empty());
  }
  EXPECT_EQ(control.sent(), server_->commands());
  EXPECT_EQ(control.sent().at("SCAN"), 2U);
}

TEST_F(ControlConnectionTest, NoQuestionsHaveNoAnswers) {
  server_says("+OK\r\n");
  ControlConnection control = connection();
  const auto replies = control.ask_all({});
  ASSERT_TRUE(replies.has_value());
  EXPECT_TRUE(replies->empty());
  EXPECT_TRUE(control.connected());
}

TEST_F(ControlConnectionTest, AMissingAnswerAmongSeveralIsNoAnswer) {
  server_ = std::make_unique<TestServer>([](const TestServer::Command& command) {
    return command.words.front() == "TYPE" ? Answer{"", false, {}} : TestServer::usual(command);
  });
  ControlConnection control = connection(50ms);
  EXPECT_FALSE(control.ask_all({{"PING"}, {"TYPE", "a"}}).has_value());
  ASSERT_TRUE(control.fault().has_value());
  EXPECT_EQ(control.fault()->kind, "timeout.response");
  EXPECT_FALSE(control.ask_all({{"PING"}}).has_value());
}

TEST_F(ControlConnectionTest, AnAnswerBeyondTheLimitIsNotKept) {
  const std::string whole = "$4000000\r\n" + std::string(4'000'000, 'x') + "\r\n";
  server_says(whole);
  ControlConnection control = connection(30s);
  EXPECT_EQ(control.ask({"GET", "a"})->size(), 4'000'000U);
  EXPECT_EQ(control.ask({"GET", "a"})->size(), 4'000'000U);  // the limit holds for each question
  EXPECT_FALSE(control.ask_all({{"GET", "a"}, {"GET", "a"}}).has_value());
  ASSERT_TRUE(control.fault().has_value());
  EXPECT_EQ(control.fault()->kind, "protocol.too_large");
}

TEST_F(ControlConnectionTest, ManySmallElementsReachTheLimitToo) {
  std::string many = "*1000000\r\n";
  for (int i = 0; i < 1'000'000; ++i) many += ":1\r\n";
  server_says(many);
  ControlConnection control = connection(30s);
  EXPECT_TRUE(control.ask_pairs({"CONFIG", "GET", "*"}).empty());
  EXPECT_FALSE(control.connected());
}

TEST_F(ControlConnectionTest, SaysWhyItIsNotConnected) {
  TargetConfig target;
  target.port = test::refused_port();
  ControlConnection control(address_of(target), target, "app:control", 1s);
  ASSERT_TRUE(control.fault().has_value());
  EXPECT_EQ(control.fault()->kind, "connection.refused");
  EXPECT_EQ(control.fault()->stage, "connect");

  server_says("+PO", true);
  ControlConnection closed = connection();
  EXPECT_FALSE(closed.fault().has_value());
  closed.ask({"PING"});
  ASSERT_TRUE(closed.fault().has_value());
  EXPECT_EQ(closed.fault()->kind, "connection.closed");
  EXPECT_EQ(closed.fault()->stage, "first_reply");
}

TEST_F(ControlConnectionTest, SaysWhatTheHandshakeWasRefused) {
  server_ = std::make_unique<TestServer>([](const TestServer::Command& command) {
    return Answer{command.words.front() == "AUTH" ? "-WRONGPASS invalid\r\n"
                                                  : "-NOAUTH Authentication required.\r\n",
                  false,
                  {}};
  });
  EXPECT_EQ(connection().fault()->kind, "auth.NOAUTH");
  TargetConfig target = server_->target();
  target.password = "wrong";
  ControlConnection control(address_of(target), target, "app:control", 5s);
  ASSERT_TRUE(control.fault().has_value());
  EXPECT_EQ(control.fault()->stage, "auth");
  EXPECT_NE(control.fault()->message.find("WRONGPASS"), std::string::npos);
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
