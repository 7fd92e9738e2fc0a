// A worker of checkout pinned: its event loop, its connections, their streams of operations, its
// pacer and its recorder. Nothing here is shared but the status (one writer) and the order box.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "redisload/base/output_buffer.hpp"
#include "redisload/metrics/recorder.hpp"
#include "redisload/net/connection.hpp"
#include "redisload/net/event_loop.hpp"
#include "redisload/pacing/open_loop_pacer.hpp"
#include "redisload/plan/run_plan.hpp"
#include "redisload/run/free_list.hpp"
#include "redisload/run/worker_base.hpp"
#include "redisload/workload/workload.hpp"
#ifdef REDISLOAD_SWITCHED_SAMPLING
#include "redisload/run/switched_sampling.hpp"
#endif

namespace redisload {

class Worker final : public WorkerBase {
 public:
  // Poll instead of sleeping when the next arrival is nearer than this; zero: only sleep.
  Worker(const RunContext& context, const WorkerShare& share, Recorder& recorder,
         std::int64_t poll_ns);

  void post(WorkerOrder order) override;
  void run() override;
  std::vector<const OperationStream*> streams() const override;

  // Called by Connection while it receives and flushes.
  void on_reply(Connection& connection, InFlight& op, const Reply& reply, std::size_t bytes,
                std::int64_t now_ns);
  void on_sent(Connection& connection, InFlight& op);
  void encode(Connection& connection, InFlight& op, OutputBuffer& out);
  ReplySink* parts(Connection& connection, const InFlight& op) {
    if (!wants_parts_) [[likely]]
      return nullptr;
    return parts_of(connection, op);
  }

 private:
  struct Slot {  // a logical connection and what belongs to it
    std::unique_ptr<Connection> connection;
    std::unique_ptr<OperationStream> stream;
    std::uint64_t budget = UINT64_MAX;  // closed loop: operations left in this phase
    std::uint32_t parked = 0;           // slots freed while paused
    std::uint32_t reserved = 0;         // places of operations that wait for a time of their own
    std::int64_t batch_ns = 0;          // batches: the intended time of the one in flight
    bool sends = true;                  // false: a subscriber
    bool batch_open = false;            // and not all of it has ended
    bool dirty = false;
    bool counted_ready = false;
    bool opened_before = false;
  };
  struct Timer {
    enum class What : std::uint8_t { reopen, go_on, think };  // think: a new operation begins
    std::int64_t at_ns;
    std::uint32_t slot;
    What what;
    InFlight operation;  // of go_on
    bool operator>(const Timer& other) const noexcept { return at_ns > other.at_ns; }
  };
  enum class Source : std::uint8_t { none, closed_loop, open_loop, indexed };

  // worker.cpp: the loop
  void turn();
  void take_orders(std::int64_t now_ns);
  void run_timers(std::int64_t now_ns);
  std::int64_t next_wake_ns() const;
  void polled_in_vain(std::int64_t from_ns, std::int64_t to_ns) noexcept;
  void handle(const Readiness& ready);
  void flush_dirty();
  void publish();

  // worker_phases.cpp: when operations begin and phases end
  void begin_phase(const BeginPhase& order);
  void start_operations(std::int64_t start_ns);
  void advance_phase(std::int64_t now_ns);
  void close_window(std::int64_t at_ns, std::int64_t grace_ns, const std::string& error_kind);
  void drop_unissued(std::uint8_t kind);
  bool exhausted();
  bool pacing() const noexcept { return source_ == Source::open_loop && generating_; }
  void lose_in_flight(std::int64_t now_ns);
  void phase_done(std::int64_t now_ns);
  void release_arrivals(std::int64_t until_ns, std::int64_t now_ns);
  void assign_arrivals();
  void end_interval(std::int64_t now_ns);
  void next_operation(Slot& slot, std::int64_t intended_ns);
  void next_batch(Slot& slot, std::int64_t intended_ns);
  std::int64_t think_now(std::int64_t now_ns);
  void batch_ended(Slot& slot, std::int64_t now_ns);
  void next_place(Slot& slot, std::int64_t at_ns);
  template <typename Drop>
  void drop_timers(Drop&& drop);
  bool batched() const noexcept { return batch_ > 1 && source_ != Source::indexed; }
  std::uint64_t batch_share(std::uint64_t limit) const noexcept;
  bool settled(std::int64_t now_ns) const;
  void await_deliveries(std::int64_t now_ns);
  void tell_streams(Phase phase);
  std::int64_t window_end_ns(std::int64_t now_ns) const;
  bool next_indexed(Slot& slot, std::int64_t intended_ns);
  void slot_freed(Slot& slot, std::int64_t now_ns);
  InFlight& push(Slot& slot, const OperationRequest& request, std::int64_t intended_ns);
  void pause(std::int64_t at_ns);
  void resume(const Resume& order);

  // worker_connections.cpp: opening, breaking, timing out
  void open_some(std::int64_t now_ns);
  void open(Slot& slot, std::int64_t now_ns);
  void became_ready(Slot& slot, std::int64_t now_ns);
  void became_broken(Slot& slot, std::int64_t now_ns);
  void abandon_issued(Slot& slot, std::uint8_t kind, std::int64_t now_ns);
  void sweep(std::int64_t now_ns);
  void sweep_timeouts(Slot& slot, std::int64_t now_ns);

  Slot& slot_of(const Connection& connection) {
    return slots_[connection.number() - share_.first_connection];
  }
  std::uint32_t index_of(const Slot& slot) const {
    return static_cast<std::uint32_t>(&slot - slots_.data());
  }
  ReplySink* parts_of(Connection& connection, const InFlight& op);
  std::uint16_t recorded_label(const InFlight& op) const noexcept {
    return redisload::recorded_label(context_.workload, op);
  }
  Sample sample_of(const Slot& slot, const InFlight& op, Outcome outcome,
                   std::int64_t completed_ns) const {
    return redisload::sample_of(context_.workload, slot.connection->number(), op, outcome,
                                completed_ns);
  }
  void mark_dirty(Slot& slot);
  void finish_operation(Slot& slot, InFlight& op, std::int64_t now_ns);
  void go_on(Slot& slot, const InFlight& op, const NextStep& next);
  bool has_room(const Slot& slot) const noexcept {
    const std::size_t taken = slot.connection->window().size() + slot.reserved;
    return slot.sends && (batched() ? taken == 0 : taken < window_limit_);
  }
  void count_unsuccessful() noexcept;

  const RunContext& context_;
  const WorkerShare share_;
  Recorder& recorder_;
  RecordedEvents workload_events_;
  const std::int64_t poll_ns_;
  const std::uint64_t batch_;
  const std::int64_t think_ns_;
  bool wants_parts_ = false;
  std::size_t think_step_ = 0;  // of a scenario
  EventLoop loop_;
  OrderBox orders_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> dirty_;
  FreeList free_;  // open loop: connections with room, longest idle first
  std::vector<char> receive_buffer_;
  OutputBuffer scratch_;
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
  std::unique_ptr<OpenLoopPacer> pacer_;

  Phase phase_ = Phase::connect;
  Source source_ = Source::none;
  std::int64_t start_ns_ = 0, end_ns_ = kNever, grace_ns_ = 0, drain_deadline_ns_ = kNever;
  bool phase_open_ = false;  // begun and not yet reported as done
  bool started_ = false;     // its first operations were made
  bool generating_ = false;  // new operations may begin
  bool paused_ = false;
  bool quit_ = false;
  std::string end_kind_;
  std::size_t window_limit_ = 1;
  std::uint64_t index_next_ = 0, index_left_ = 0;  // prefill, cleanup: this worker's share
  std::vector<std::uint64_t> index_again_;         // whose writing was lost
  std::uint64_t outstanding_ = 0;                  // operations drawn and not ended
  std::uint64_t arrivals_left_ = UINT64_MAX;  // batches in an open loop: operations not yet offered
  std::uint64_t batches_waiting_ = 0;  // batches in an open loop: operations offered and not drawn
  std::uint64_t budget_left_ = UINT64_MAX;  // closed loop: the sum of the slots' budgets
  std::uint32_t ready_ = 0, opening_ = 0;
  std::vector<std::uint32_t> to_open_;  // last first
  std::int64_t next_sweep_ns_ = 0;
  std::int64_t sweep_every_ns_;
  std::uint64_t answered_ = 0, issued_ = 0, unsuccessful_ = 0, phase_succeeded_ = 0;
  std::int64_t last_answer_ns_ = 0, last_end_ns_ = 0, polled_ns_ = 0;
  std::int64_t poll_again_ns_ = 0;  // not before
  long preemptions_ = 0;            // by other threads, when last looked at
  bool opening_some_ = false;
  double rate_ = 0;
#ifdef REDISLOAD_SWITCHED_SAMPLING
  SwitchedSampling switched_sampling_;
#endif
};

}  // namespace redisload
