// pub_sub: some connections publish, the others subscribe, and every message is accounted for.
//
// A message carries its phase, publisher, channel, number and the time at which it was encoded, so
// that a subscriber sees gaps, duplicates and disorder, and times the delivery on the one clock of
// this process. Publishers learn from each reply how many subscribers the server counted. What all
// of them know is balanced after the last worker has ended (delivery_books.hpp).
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "redisload/base/time_source.hpp"
#include "redisload/config/run_config.hpp"
#include "redisload/workload/delivery_books.hpp"
#include "redisload/workload/value_generator.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload {

// At the beginning of every payload, in the byte order of this machine: both ends are ours.
struct MessageHeader {
  static constexpr std::uint16_t kMagic = 0x6d4c;
  std::uint16_t magic = kMagic;
  std::uint16_t phase = 0;
  std::uint32_t run = 0;  // messages of another run are none of ours
  std::uint32_t channel = 0;
  std::uint32_t publisher = 0;
  std::uint64_t sequence = 0;
  std::int64_t sent_ns = 0;  // of the monotonic clock
};
static_assert(sizeof(MessageHeader) == 32);

// Which of the connections subscribe: evenly spread over their numbers.
struct PubSubRoles {
  std::uint64_t connections = 2;
  std::uint64_t subscribers = 1;
  std::uint64_t patterns = 0;  // so many subscribers use a pattern

  bool subscribes(std::uint64_t connection) const noexcept {
    return subscribers_before(connection + 1) != subscribers_before(connection);
  }
  // Its number among the subscribers, or among the publishers.
  std::uint64_t rank(std::uint64_t connection) const noexcept {
    const std::uint64_t before = subscribers_before(connection);
    return subscribes(connection) ? before : connection - before;
  }
  bool by_pattern(std::uint64_t subscriber) const noexcept {
    return (subscriber + 1) * patterns / subscribers != subscriber * patterns / subscribers;
  }
  std::uint64_t publishers() const noexcept { return connections - subscribers; }

 private:
  std::uint64_t subscribers_before(std::uint64_t connection) const noexcept {
    return connection * subscribers / connections;
  }
};

class Publisher;
class Subscriber;

class PubSub final : public Workload {
 public:
  // The configuration has no problems. `seed` is the run's; `clock` outlives the workload.
  PubSub(const RunConfig& config, std::uint64_t seed, const TimeSource& clock);

  const std::vector<OperationLabel>& labels() const override { return labels_; }
  std::unique_ptr<OperationStream> stream(std::uint64_t connection, std::uint64_t connections,
                                          WorkloadEvents& events) const override;
  bool sends(std::uint64_t connection, std::uint64_t /*connections*/) const override {
    return !roles_.subscribes(connection);
  }
  std::vector<Tally> tallies() const override;
  std::vector<std::string> series() const override { return {"delivery"}; }
  int protocol() const override { return 3; }
  double expected_miss_share() const override { return 0; }
  WorkloadReport report(const std::vector<const OperationStream*>& streams) const override;

  const std::vector<OperationLabel>& prefill_labels() const override { return none_; }
  std::uint64_t prefill_count() const override { return 0; }
  OperationRequest prefill(std::uint64_t) const override { return {}; }
  int encode_prefill(const OperationRequest&, OutputBuffer&) const override { return 0; }
  const std::vector<OperationLabel>& cleanup_labels() const override { return none_; }
  std::uint64_t cleanup_count() const override { return 0; }
  OperationRequest cleanup(std::uint64_t) const override { return {}; }
  int encode_cleanup(const OperationRequest&, OutputBuffer&) const override { return 0; }

  std::size_t channels() const noexcept { return channels_.size(); }
  std::size_t lanes() const noexcept { return roles_.publishers() * channels_.size(); }
  // What a book keeps at most, so that all of them together stay below 200 MB.
  std::size_t most_ranges() const;  // a lane
  std::size_t most_gaps() const;    // a subscriber

 private:
  friend class Publisher;
  friend class Subscriber;

  // What a publisher leaves behind at the end of a phase, for subscribers of other workers. Written
  // once a phase, before `finished`; no operation touches it.
  struct Ending {
    std::atomic<Phase> finished{Phase::connect};
    std::int64_t at_ns = 0;                 // when its worker saw that
    std::int64_t last_ns = 0;               // its last reply
    std::vector<std::uint64_t> received;    // by channel: up to which number there are receivers
    std::vector<std::int64_t> answered_ns;  // and when the last reply came
  };

  WorkloadReport table(const std::vector<const Subscriber*>& subscribers,
                       const Balance& balance) const;

  PubSubRoles roles_;
  std::uint64_t seed_;
  std::uint32_t run_;
  const TimeSource& clock_;
  std::int64_t grace_ns_;
  std::size_t window_;
  std::vector<std::string> channels_;
  std::vector<std::string> heads_;  // by channel: "PUBLISH channel" up to the payload's length
  std::string pattern_;             // that matches every channel
  ValueGenerator values_;
  std::vector<OperationLabel> labels_;
  std::vector<OperationLabel> none_;
  std::unique_ptr<Ending[]> endings_;  // by publisher
};

}  // namespace redisload
