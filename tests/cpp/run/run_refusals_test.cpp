// Targets that refuse us before their first answer: a TargetError with its stage.
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "redisload/base/error.hpp"
#include "support/run_checks.hpp"

namespace redisload {
namespace {

using namespace std::chrono_literals;
using test::LoadRun;
using test::small_run;
using test::TestServer;
using Answer = TestServer::Answer;
using Command = TestServer::Command;

// The stage and message of what the run failed with; empty: it did not.
std::pair<std::string, std::string> failure_of(LoadRun& run) {
  EXPECT_TRUE(run.wait(30s));
  try {
    run.raise_error();
    return {};
  } catch (const TargetError& error) {
    return {error.stage(), error.what()};
  }
}

// What a server does instead of answering.
struct Reaction {
  const char* bytes = "";
  bool close = false;
};

Answer to_answer(const Reaction& reaction) { return {reaction.bytes, reaction.close, {}}; }

TEST(RunRefusals, NobodyListens) {
  RunConfig config;
  config.target.port = test::refused_port();
  LoadRun run(config);
  const auto [stage, message] = failure_of(run);
  EXPECT_EQ(stage, "connect");
  EXPECT_NE(message.find(std::to_string(config.target.port)), std::string::npos);
  EXPECT_EQ(run.results().metrics.totals.counts.offered, 0U);
}

TEST(RunRefusals, NoSuchName) {
  RunConfig config;
  config.target.host = "no-such-host.invalid";
  LoadRun run(config);
  EXPECT_EQ(failure_of(run).first, "resolve");
}

struct Start {
  const char* name;
  Reaction to_handshake;
  Reaction to_operation;
  const char* stage;
};

class RunStart : public ::testing::TestWithParam<Start> {};

TEST_P(RunStart, IsATargetErrorOfItsStage) {
  const Start start = GetParam();
  TestServer server([start](const Command& command) {
    if (command.is_operation) return to_answer(start.to_operation);
    return command.words.front() == "CLIENT" ? to_answer(start.to_handshake)
                                             : TestServer::usual(command);
  });
  RunConfig config = small_run(server);
  config.timeouts.handshake = 100ms;
  config.timeouts.response = 100ms;
  config.duration = 300ms;
  LoadRun run(config);
  const auto [stage, message] = failure_of(run);
  EXPECT_EQ(stage, start.stage) << message;
  EXPECT_NE(message.find(std::to_string(server.port())), std::string::npos) << message;
}

constexpr Reaction kFine{"+OK\r\n"};

INSTANTIATE_TEST_SUITE_P(
    Each, RunStart,
    ::testing::Values(
        Start{"NeverAnswersTheHandshake", {}, kFine, "handshake"},
        Start{"ClosesInTheHandshake", {"", true}, kFine, "handshake"},
        Start{"WantsAPassword", {"-NOAUTH Authentication required.\r\n", false}, kFine, "auth"},
        Start{"SpeaksHttp", {"HTTP/1.1 400 Bad Request\r\n\r\n", false}, kFine, "handshake"},
        Start{"NeverAnswersAnOperation", kFine, {}, "first_reply"},
        Start{"ClosesAtTheFirstOperation", kFine, {"", true}, "first_reply"},
        Start{"RubbishForAReply", kFine, {"\x16\x03\x01", false}, "first_reply"},
        Start{"ReplyTooLarge", kFine, {"$99999999999999\r\n", false}, "first_reply"},
        Start{"HalfAReply", kFine, {"$100\r\nabc", false}, "first_reply"}),
    [](const auto& each) { return each.param.name; });

TEST(RunRefusals, AFullServerIsQuoted) {
  TestServer server(
      [](const Command&) { return Answer{"-ERR max number of clients reached\r\n", true, {}}; });
  RunConfig config = small_run(server);
  config.topology.max_connections = 1;
  LoadRun run(config);
  EXPECT_NE(failure_of(run).second.find("max number of clients reached"), std::string::npos);
}

}  // namespace
}  // namespace redisload
