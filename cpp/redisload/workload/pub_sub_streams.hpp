// The two kinds of connections of pub_sub; each is used by its worker alone.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "redisload/base/random.hpp"
#include "redisload/workload/pub_sub.hpp"

namespace redisload {

// Places in PubSub::tallies().
struct PubSubTallies {
  enum : std::uint16_t { sent, published, receivers, delivered, duplicated, out_of_order, foreign };
};

class Publisher final : public OperationStream {
 public:
  Publisher(const PubSub& workload, std::uint64_t connection, WorkloadEvents& events);

  OperationRequest next() override;
  int encode(const OperationRequest& request, OutputBuffer& out) override;
  void sent(const OperationRequest& request) override;
  ReplyMeaning read(OperationRequest& request, const Reply& reply) override;
  NextStep after(OperationRequest& request, Outcome outcome, std::int64_t now_ns) override;
  void entered(Phase phase) override;
  bool settled(std::int64_t now_ns) const override;

  std::uint32_t number() const noexcept { return number_; }
  // Of the measured window; null: it never began.
  const PublisherBook* book() const noexcept {
    return book_phase_ == Phase::measure ? &book_ : nullptr;
  }

 private:
  // When an operation was encoded first, so that its bytes stay the same.
  struct Stamp {
    std::uint64_t channel = 0, sequence = 0;
    std::uint32_t detail = 0;
    std::int64_t sent_ns = -1;
  };
  std::int64_t stamp(const OperationRequest& request);
  static Phase phase_of(const OperationRequest& request) noexcept {
    return static_cast<Phase>(request.detail >> kDrawBits);
  }

  static constexpr int kDrawBits = 24;

  const PubSub& workload_;
  WorkloadEvents& events_;
  const std::uint32_t number_;
  Random random_;
  Phase phase_ = Phase::connect;
  Phase book_phase_ = Phase::connect;
  std::uint32_t draws_ = 0;
  std::vector<Stamp> stamps_;  // a ring; what is not sent yet was drawn without a break
  PublisherBook book_;
  std::vector<std::int64_t> answered_ns_;  // by channel
};

class Subscriber final : public OperationStream, private PushHandler, private ReplySink {
 public:
  Subscriber(const PubSub& workload, std::uint64_t connection, WorkloadEvents& events);

  // Nothing goes out.
  OperationRequest next() override { return {}; }
  int encode(const OperationRequest&, OutputBuffer&) override { return 0; }
  ReplyMeaning read(OperationRequest&, const Reply&) override { return {}; }

  std::vector<Subscription> subscriptions() const override;
  PushHandler* pushes() override { return this; }
  void connected(std::int64_t now_ns) override;
  void disconnected(std::int64_t now_ns) override;
  void entered(Phase phase) override;
  bool settled(std::int64_t now_ns) const override;
  std::int64_t others_ended_ns() const override;

  std::uint64_t connection() const noexcept { return connection_; }
  std::uint64_t number() const noexcept { return number_; }
  // What it misses of a lane's first `sent` messages of the measured window.
  std::vector<Gap> gaps(std::size_t lane, std::uint64_t sent) const;
  bool measured() const noexcept { return book_phase_ == Phase::measure; }
  std::uint64_t duplicated() const noexcept { return measured() ? duplicated_ : 0; }
  std::uint64_t out_of_order() const noexcept { return measured() ? out_of_order_ : 0; }
  std::uint64_t reconnects() const noexcept { return connects_ == 0 ? 0 : connects_ - 1; }

 private:
  // PushHandler and ReplySink
  ReplySink& parts() override { return *this; }
  bool pushed(const Reply& push, std::int64_t now_ns) override;
  void element(char type, std::int64_t number, bool nil, int depth) override;
  void bytes(std::string_view chunk) override;

  void message(std::int64_t now_ns);
  void begin_books(Phase phase);
  void deliver(SubscriberBook::Arrival arrival, std::int64_t latency_ns);
  bool all_published() const;
  bool lane_settled(std::size_t lane, std::int64_t now_ns) const;

  const PubSub& workload_;
  WorkloadEvents& events_;
  const std::uint64_t connection_;
  const std::uint64_t number_;
  Phase phase_ = Phase::connect;
  Phase book_phase_ = Phase::connect;
  SubscriberBook book_;
  std::uint64_t duplicated_ = 0, out_of_order_ = 0, connects_ = 0;
  std::vector<std::int64_t> early_ns_;  // deliveries before our own worker had begun the phase

  // The push that is being read: its first element, and the beginning of its newest one.
  int elements_ = 0;
  std::size_t kind_size_ = 0, head_size_ = 0;
  std::array<char, 16> kind_{};
  std::array<char, sizeof(MessageHeader)> head_{};

  bool connected_ = false;
  std::int64_t connected_ns_ = 0, disconnected_ns_ = 0;
  // Whatever was answered before this time has come or is never to come on this connection.
  std::int64_t horizon_ns_ = 0;
  mutable std::int64_t published_ns_ = 0;  // when the last publisher of the phase ended; 0: not yet
  mutable std::int64_t last_reply_ns_ = 0;  // of all of them, by then
  mutable std::size_t lanes_settled_ = 0;
};

}  // namespace redisload
