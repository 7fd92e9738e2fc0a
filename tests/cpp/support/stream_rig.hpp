// Plays the operations of one stream as a worker does: encodes them, feeds replies given as RESP
// text through the parser, counts what the stream tells.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/net/reply_parser.hpp"
#include "redisload/workload/workload_registry.hpp"

namespace redisload::test {

using Words = std::vector<std::string>;

// The commands that bytes are made of.
inline std::vector<Words> commands_in(std::string_view bytes) {
  std::vector<Words> commands;
  std::size_t at = 0;
  const auto number = [&] {
    const std::size_t end = bytes.find("\r\n", at);
    const std::size_t value = std::stoul(std::string(bytes.substr(at + 1, end - at - 1)));
    at = end + 2;
    return value;
  };
  while (at < bytes.size()) {
    EXPECT_EQ(bytes[at], '*');
    Words words(number());
    for (std::string& word : words) {
      EXPECT_EQ(bytes[at], '$');
      const std::size_t size = number();
      word = bytes.substr(at, size);
      at += size + 2;
    }
    commands.push_back(std::move(words));
  }
  return commands;
}

// Names of the tallies of a workload, with their kind where it is not `counter`.
inline std::vector<std::string> tally_names(const Workload& workload) {
  std::vector<std::string> names;
  for (const Tally& tally : workload.tallies()) {
    constexpr std::string_view kKinds[] = {"", "sent ", "queued_only ", "in_script "};
    names.push_back(std::string(kKinds[static_cast<std::size_t>(tally.kind)]) + tally.name);
  }
  return names;
}

class StreamRig : private WorkloadEvents {
 public:
  struct Played {
    bool failed = false;
    std::string error;
    std::uint32_t hits = 0, misses = 0;
    NextStep next;
  };

  explicit StreamRig(std::shared_ptr<const Workload> workload, std::uint64_t connection = 0)
      : workload_(std::move(workload)),
        names_(tally_names(*workload_)),
        stream(workload_->stream(connection, 1, *this)) {}

  // The next operation with this label.
  OperationRequest next(const std::string& label) {
    for (;;) {
      const OperationRequest request = stream->next();
      if (workload_->labels()[request.label].name == label) return request;
    }
  }

  // Encoded twice, which makes no difference.
  std::vector<Words> commands(const OperationRequest& request) {
    OutputBuffer once, again;
    const int replies = stream->encode(request, once);
    stream->encode(request, again);
    EXPECT_EQ(once.view(), again.view());
    auto all = commands_in(once.view());
    EXPECT_EQ(static_cast<std::size_t>(replies), all.size());
    return all;
  }

  // Sends it and reads its replies, cut into chunks; expired: nobody waits for them any more.
  Played play(OperationRequest& request, std::string_view replies, std::size_t chunk = SIZE_MAX,
              std::int64_t now_ns = 0, bool expired = false) {
    const std::size_t expected = commands(request).size();
    stream->sent(request);
    Played played;
    std::size_t count = 0;
    const bool wants_parts = workload_->labels()[request.label].wants_parts && !expired;
    const auto choose = [&] {
      parser_.set_sink(wants_parts && count < expected ? stream->parts(request) : nullptr);
    };
    choose();
    for (std::size_t at = 0; at < replies.size(); at += std::min(chunk, replies.size() - at)) {
      const auto fault =
          parser_.feed(replies.substr(at, chunk), [&](const Reply& reply, std::size_t) {
            const ReplyMeaning meaning = stream->read(request, reply);
            if (meaning.failed && !played.failed)
              played.error = reply.is_error() ? reply.text : stream->error();
            played.failed = played.failed || meaning.failed;
            played.hits += meaning.hits;
            played.misses += meaning.misses;
            ++count;
            choose();
            return true;
          });
      EXPECT_EQ(fault, ProtocolFault::none);
    }
    EXPECT_EQ(count, expected);
    if (!expired) {
      const Outcome outcome = played.failed ? Outcome::failed : Outcome::succeeded;
      played.next = stream->after(request, outcome, now_ns);
    }
    return played;
  }

  // Tallies since this was asked last, without those that stand still.
  std::map<std::string, std::uint64_t> tallied() { return std::exchange(tallies_, {}); }
  std::vector<std::int64_t> timed() { return std::exchange(times_, {}); }

 private:
  void tally(std::uint16_t number, std::uint64_t times) override {
    if (times != 0) tallies_[names_.at(number)] += times;
  }
  void series(std::uint16_t number, std::int64_t ns) override {
    EXPECT_LT(number, workload_->series().size());
    times_.push_back(ns);
  }

  std::shared_ptr<const Workload> workload_;
  std::vector<std::string> names_;
  std::map<std::string, std::uint64_t> tallies_;
  std::vector<std::int64_t> times_;
  ReplyParser parser_;

 public:
  std::unique_ptr<OperationStream> stream;
};

}  // namespace redisload::test
