// One thread of a run: its event loop, its connections, their streams of operations, its pacer and
// its recorder. Nothing here is shared but the status (one writer) and the order box.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
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
#include "redisload/run/event_log.hpp"
#include "redisload/run/free_list.hpp"
#include "redisload/run/worker_orders.hpp"
#include "redisload/workload/workload.hpp"
#ifdef REDISLOAD_SWITCHED_SAMPLING
#include "redisload/run/switched_sampling.hpp"
#endif

namespace redisload {

// What all workers of a run share; everything in it is immutable or thread-safe.
struct RunContext {
  const RunPlan& plan;
  const Workload& workload;
  const ConnectionSetup& setup;
  const TimeSource& clock;
  EventLog& events;
  // Called (rarely) when something changed that the controller waits for.
  std::function<void()> notify;
};

class Worker {
 public:
  // Poll instead of sleeping when the next arrival is nearer than this; zero: only sleep.
  Worker(const RunContext& context, const WorkerShare& share, Recorder& recorder,
         std::int64_t poll_ns);

  // Called by the controller.
  void post(WorkerOrder order);
  const WorkerStatus& status() const noexcept { return status_; }
  // After the thread has ended: handshake commands sent, by name.
  const std::map<std::string, std::uint64_t>& control_commands() const noexcept {
    return control_commands_;
  }

  // The thread's body: until Quit.
  void run();

  // Called by Connection while it receives and flushes.
  void on_reply(Connection& connection, InFlight& op, const Reply& reply, std::size_t bytes,
                std::int64_t now_ns);
  void on_sent(InFlight& op);
  void encode(InFlight& op, OutputBuffer& out);

 private:
  struct Slot {  // a logical connection and what belongs to it
    std::unique_ptr<Connection> connection;
    std::unique_ptr<OperationStream> stream;
    std::uint64_t budget = UINT64_MAX;  // closed loop: operations left in this phase
    std::uint32_t parked = 0;           // slots freed while paused
    std::uint32_t reserved = 0;         // places of operations that wait for a time of their own
    bool dirty = false;
    bool counted_ready = false;
    bool opened_before = false;
  };
  struct Timer {
    std::int64_t at_ns;
    std::uint32_t slot;
    bool reopen;  // else: `operation` goes on
    InFlight operation;
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
  void count_handshake(const Connection& connection);

  Slot& slot_of(const Connection& connection) {
    return slots_[connection.number() - share_.first_connection];
  }
  std::uint32_t index_of(const Slot& slot) const {
    return static_cast<std::uint32_t>(&slot - slots_.data());
  }
  std::uint16_t recorded_label(const InFlight& op) const noexcept;
  Sample sample_of(const Slot& slot, const InFlight& op, Outcome outcome,
                   std::int64_t completed_ns) const;
  void mark_dirty(Slot& slot);
  void finish_operation(Slot& slot, InFlight& op, std::int64_t now_ns);
  void go_on(Slot& slot, const InFlight& op, const NextStep& next);
  bool has_room(const Slot& slot) const noexcept {
    return slot.connection->window().size() + slot.reserved < window_limit_;
  }
  void count_unsuccessful() noexcept;

  const RunContext& context_;
  const WorkerShare share_;
  Recorder& recorder_;
  const std::int64_t poll_ns_;
  EventLoop loop_;
  OrderBox orders_;
  WorkerStatus status_;
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
  std::uint64_t budget_left_ = UINT64_MAX;         // closed loop: the sum of the slots' budgets
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
  std::map<std::string, std::uint64_t> control_commands_;
#ifdef REDISLOAD_SWITCHED_SAMPLING
  SwitchedSampling switched_sampling_;
#endif
};

}  // namespace redisload
