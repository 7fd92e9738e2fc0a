// The streams of pub_sub without sockets: what they send, what they make of messages and replies.
#include "redisload/workload/pub_sub.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "redisload/net/handshake.hpp"
#include "redisload/net/reply_parser.hpp"
#include "redisload/workload/workload_registry.hpp"
#include "support/fake_clock.hpp"

namespace redisload {
namespace {

using test::FakeClock;

class SeenEvents final : public WorkloadEvents {
 public:
  void tally(std::uint16_t number, std::uint64_t times) override { tallies[number] += times; }
  void series(std::uint16_t, std::int64_t ns) override { times_ns.push_back(ns); }
  std::map<std::uint16_t, std::uint64_t> tallies;
  std::vector<std::int64_t> times_ns;
};

RunConfig config_of(std::uint64_t connections, double subscribers, double channels = 2) {
  RunConfig config;
  config.workload.name = "pub_sub";
  config.workload.options = {{"subscribers", subscribers}, {"channels", channels}};
  config.topology.max_connections = connections;
  return config;
}

std::vector<std::string> paths_of(const RunConfig& config) {
  std::vector<std::string> paths;
  for (const ConfigProblem& problem : workload_problems(config)) paths.push_back(problem.path);
  return paths;
}

// The words of one command.
std::vector<std::string> words_of(std::string_view command) {
  std::vector<std::string> words;
  std::size_t at = command.find("\r\n") + 2;
  while (at < command.size()) {
    const std::size_t line = command.find("\r\n", at);
    const std::size_t size = std::stoul(std::string(command.substr(at + 1, line - at - 1)));
    words.emplace_back(command.substr(line + 2, size));
    at = line + 2 + size + 2;
  }
  return words;
}

// One publisher and one subscriber, and the server between them played by the test.
class PubSubTest : public testing::Test {
 protected:
  explicit PubSubTest(RunConfig config = config_of(2, 1)) { make(config); }

  void make(const RunConfig& config) {
    workload_ = std::make_unique<PubSub>(config, 7, clock_);
    publisher_ = workload_->stream(0, 2, published_);
    subscriber_ = workload_->stream(1, 2, delivered_);
    subscriber_->connected(clock_.now_ns());
  }
  void enter(Phase phase) {
    publisher_->entered(phase);
    subscriber_->entered(phase);
  }
  std::vector<std::string> encode(const OperationRequest& request) {
    OutputBuffer out;
    EXPECT_EQ(publisher_->encode(request, out), 1);
    return words_of(out.view());
  }
  // Sends an operation and gives the words of its command.
  std::vector<std::string> send(OperationRequest& request) {
    request = publisher_->next();
    auto words = encode(request);
    publisher_->sent(request);
    return words;
  }
  void answer(OperationRequest& request, std::int64_t receivers) {
    publisher_->read(request, {':', false, receivers, {}});
    publisher_->after(request, Outcome::succeeded, clock_.now_ns());
  }
  bool push(const std::vector<std::string>& words, std::size_t chunk = 7) {
    std::string bytes = ">" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words)
      bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    bool confirmed = false;
    ReplyParser parser;
    parser.set_sink(&subscriber_->pushes()->parts());
    for (std::size_t at = 0; at < bytes.size(); at += chunk) {
      parser.feed(std::string_view(bytes).substr(at, chunk), [&](const Reply& reply, std::size_t) {
        confirmed = subscriber_->pushes()->pushed(reply, clock_.now_ns());
        return true;
      });
    }
    return confirmed;
  }
  bool deliver(const std::vector<std::string>& publish) {
    return push({"message", publish[1], publish[2]});
  }
  bool settled() {
    publisher_->settled(clock_.now_ns());
    return subscriber_->settled(clock_.now_ns());
  }
  std::map<std::string, std::int64_t> row() {
    const auto report = workload_->report({publisher_.get(), subscriber_.get()});
    EXPECT_EQ(report.table, "subscribers");
    EXPECT_EQ(report.rows.size(), 1u);
    return {report.rows[0].values.begin(), report.rows[0].values.end()};
  }
  std::map<std::string, std::uint64_t> counters() {
    const auto report = workload_->report({publisher_.get(), subscriber_.get()});
    return {report.counters.begin(), report.counters.end()};
  }

  FakeClock clock_;
  SeenEvents published_, delivered_;
  std::unique_ptr<PubSub> workload_;
  std::unique_ptr<OperationStream> publisher_, subscriber_;
};

TEST(PubSubRoles, AreSpreadEvenly) {
  for (const auto& [connections, subscribers] :
       std::vector<std::pair<std::uint64_t, std::uint64_t>>{{2, 1}, {50, 25}, {50, 1}, {7, 5}}) {
    const PubSubRoles roles{connections, subscribers};
    std::uint64_t found = 0;
    for (std::uint64_t c = 0; c < connections; ++c) {
      EXPECT_EQ(roles.rank(c), roles.subscribes(c) ? found : c - found);
      found += roles.subscribes(c) ? 1 : 0;
      // At no point more than one away from the even share.
      EXPECT_NEAR(static_cast<double>(found),
                  static_cast<double>((c + 1) * subscribers) / static_cast<double>(connections), 1);
    }
    EXPECT_EQ(found, subscribers);
  }
}

TEST(PubSubConfig, EveryProblemHasItsPath) {
  using Paths = std::vector<std::string>;
  EXPECT_EQ(paths_of(config_of(2, 0)), Paths{});
  EXPECT_EQ(paths_of(config_of(1, 0)), Paths{"topology.max_connections"});
  EXPECT_EQ(paths_of(config_of(4, 4)), Paths{"workload.options.subscribers"});
  EXPECT_EQ(paths_of(config_of(10'000, 0, 100)), Paths{"workload.options.channels"});
  RunConfig config = config_of(4, 2);
  config.workload.options.emplace_back("patterns", 3);
  EXPECT_EQ(paths_of(config), Paths{"workload.options.patterns"});
  config = config_of(4, 2);
  config.target.protocol = 2;
  EXPECT_EQ(paths_of(config), Paths{"target.protocol"});
  config = config_of(4, 2);
  config.values.size_bytes = 31;
  EXPECT_EQ(paths_of(config), Paths{"values.size_bytes"});
  config.values.sizes = "16-64";
  EXPECT_EQ(paths_of(config), Paths{"values.sizes"});
  config = config_of(4, 2);
  config.topology.checkout = Checkout::per_operation;
  EXPECT_EQ(paths_of(config), Paths{"topology.checkout"});
}

TEST_F(PubSubTest, EncodesTheSameBytesAgain) {
  RunConfig config = config_of(2, 1);
  config.pipeline = 2;
  make(config);
  enter(Phase::measure);
  const OperationRequest first = publisher_->next();
  const OperationRequest second = publisher_->next();
  const auto words = encode(first);
  clock_.advance(kSecond);
  const auto others = encode(second);
  EXPECT_EQ(encode(first), words);
  EXPECT_EQ(encode(second), others);
  EXPECT_NE(words[2], others[2]);
  EXPECT_EQ(words[0], "PUBLISH");
  EXPECT_EQ(words[1].substr(0, 23), "redisload:channel:00000");
  EXPECT_EQ(words[2].size(), 32u);
}

TEST_F(PubSubTest, PayloadsHaveTheirSizeAndDifferentPadding) {
  RunConfig config = config_of(2, 1);
  config.values.size_bytes = 100;
  make(config);
  enter(Phase::measure);
  OperationRequest request;
  const auto first = send(request)[2];
  const auto second = send(request)[2];
  EXPECT_EQ(first.size(), 100u);
  EXPECT_NE(first.substr(sizeof(MessageHeader)), second.substr(sizeof(MessageHeader)));
}

TEST_F(PubSubTest, SubscribesToEveryChannelOrToOnePattern) {
  RunConfig config = config_of(2, 1);
  config.keys.prefix = "a*b:";
  make(config);
  const auto plain = subscriber_->subscriptions();
  ASSERT_EQ(plain.size(), 1u);
  EXPECT_EQ(plain[0].words,
            (std::vector<std::string>{"SUBSCRIBE", "a*b:channel:000000", "a*b:channel:000001"}));
  EXPECT_EQ(plain[0].confirmations, 2u);
  config.workload.options.emplace_back("patterns", 1);
  make(config);
  const auto pattern = subscriber_->subscriptions();
  EXPECT_EQ(pattern[0].words, (std::vector<std::string>{"PSUBSCRIBE", "a\\*b:channel:*"}));
  EXPECT_EQ(pattern[0].confirmations, 1u);
  EXPECT_TRUE(publisher_->subscriptions().empty());
  EXPECT_TRUE(workload_->sends(0, 2));
  EXPECT_FALSE(workload_->sends(1, 2));
}

TEST_F(PubSubTest, TellsConfirmationsFromMessages) {
  enter(Phase::measure);
  EXPECT_TRUE(push({"subscribe", "redisload:channel:000000", "1"}));
  EXPECT_TRUE(push({"psubscribe", "redisload:channel:*", "1"}));
  OperationRequest request;
  const auto words = send(request);
  EXPECT_FALSE(deliver(words));
  EXPECT_FALSE(push({"pmessage", "redisload:channel:*", words[1], words[2]}));  // again
  answer(request, 1);
  EXPECT_EQ(row()["delivered"], 1);
  EXPECT_EQ(row()["duplicated"], 1);
}

TEST_F(PubSubTest, TimesDeliveryFromTheEncodingToTheReceipt) {
  enter(Phase::measure);
  OperationRequest request;
  const auto words = send(request);
  clock_.advance(1'234);
  deliver(words);
  EXPECT_EQ(delivered_.times_ns, std::vector<std::int64_t>{1'234});
}

TEST_F(PubSubTest, AccountsForWhatWasLostAndWhatWasMissed) {
  enter(Phase::measure);
  for (int i = 0; i < 40; ++i) {
    OperationRequest request;
    const auto words = send(request);
    if (i < 10 || i >= 30) deliver(words);
    answer(request, i < 15 || i >= 30 ? 1 : 0);
  }
  const auto found = row();
  EXPECT_EQ(found.at("connection"), 1);
  EXPECT_EQ(found.at("delivered"), 20);
  EXPECT_EQ(found.at("lost"), 5);
  EXPECT_EQ(found.at("absent"), 15);
}

TEST_F(PubSubTest, MessagesOfTheWarmUpAreNotInTheBooks) {
  enter(Phase::warmup);
  OperationRequest late;
  const auto late_words = send(late);
  OperationRequest request;
  deliver(send(request));
  answer(request, 1);
  enter(Phase::measure);
  deliver(late_words);
  answer(late, 1);
  EXPECT_EQ(row()["delivered"], 0);
  EXPECT_EQ(counters()["published"], 0u);
  deliver(send(request));
  answer(request, 1);
  EXPECT_EQ(row()["delivered"], 1);
  EXPECT_EQ(counters()["published"], 1u);
  EXPECT_EQ(delivered_.times_ns.size(), 1u);
}

TEST_F(PubSubTest, AMessageMayBeHereBeforeItsPhase) {
  publisher_->entered(Phase::measure);
  OperationRequest request;
  deliver(send(request));
  EXPECT_TRUE(delivered_.times_ns.empty());
  subscriber_->entered(Phase::measure);
  EXPECT_EQ(delivered_.times_ns.size(), 1u);
  answer(request, 1);
  EXPECT_EQ(row()["delivered"], 1);
}

TEST_F(PubSubTest, WhatOthersPublishIsNoneOfOurs) {
  enter(Phase::measure);
  push({"message", "redisload:channel:000000", "hello"});
  push({"message", "redisload:channel:000000", std::string(100, 'x')});
  EXPECT_EQ(row()["delivered"], 0);
  EXPECT_TRUE(delivered_.times_ns.empty());
}

TEST_F(PubSubTest, APhaseEndsWhenEverythingHasCome) {
  enter(Phase::measure);
  OperationRequest first, second;
  const auto one = send(first);
  const auto two = send(second);
  clock_.advance(kMillisecond);
  EXPECT_FALSE(subscriber_->settled(clock_.now_ns()));  // nobody said that all was published
  answer(first, 1);
  answer(second, 1);
  deliver(one);
  EXPECT_FALSE(settled());
  deliver(two);
  EXPECT_TRUE(settled());
}

TEST_F(PubSubTest, APhaseDoesNotWaitForWhatCannotCome) {
  enter(Phase::measure);
  OperationRequest request;
  send(request);
  answer(request, 1);
  clock_.advance(kMillisecond);
  subscriber_->disconnected(clock_.now_ns());
  clock_.advance(kMillisecond);
  subscriber_->connected(clock_.now_ns());
  EXPECT_TRUE(settled());
  EXPECT_EQ(row()["reconnects"], 1);
}

TEST_F(PubSubTest, APhaseWaitsAtMostForTheGrace) {
  enter(Phase::measure);
  OperationRequest request;
  send(request);
  answer(request, 1);
  EXPECT_FALSE(settled());
  clock_.advance(RunConfig{}.timeouts.grace.count() - 1);
  EXPECT_FALSE(settled());
  clock_.advance(1);
  EXPECT_TRUE(settled());
  EXPECT_EQ(row()["lost"], 1);
}

TEST_F(PubSubTest, WhatIsNeverAnsweredOrNeverSentStandsApart) {
  enter(Phase::measure);
  OperationRequest request;
  deliver(send(request));  // arrives, and its reply is lost
  publisher_->next();      // never sent
  EXPECT_EQ(counters()["unknown"], 1u);
  EXPECT_EQ(counters()["unconfirmed"], 1u);
  EXPECT_EQ(counters()["published"], 0u);
  const auto found = row();
  EXPECT_EQ(found.at("delivered") + found.at("lost") + found.at("absent"), 0);
}

}  // namespace
}  // namespace redisload
