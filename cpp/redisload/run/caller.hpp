// A worker of checkout per_operation: one thread of an application. For each operation, or batch of
// them, it takes a client out of its pool, uses one of the client's connections, waits for the
// replies and gives the client back. Its stream of operations, pacer and recorder are its own; the
// client is, while it holds it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "redisload/base/output_buffer.hpp"
#include "redisload/net/client_pool.hpp"
#include "redisload/net/poller.hpp"
#include "redisload/pacing/open_loop_pacer.hpp"
#include "redisload/run/worker_base.hpp"

namespace redisload {

class Caller final : public WorkerBase {
 public:
  // Spins instead of sleeping when the next arrival is nearer than poll_ns; zero: only sleeps.
  Caller(const RunContext& context, const WorkerShare& share, Recorder& recorder, ClientPool& pool,
         std::int64_t poll_ns);

  void post(WorkerOrder order) override;
  void run() override;
  std::vector<const OperationStream*> streams() const override { return {stream_.get()}; }

  // Called by Connection while it receives and flushes.
  void on_reply(Connection& connection, InFlight& op, const Reply& reply, std::size_t bytes,
                std::int64_t now_ns);
  void on_sent(Connection& connection, InFlight& op);
  void encode(Connection& connection, InFlight& op, OutputBuffer& out);
  ReplySink* parts(Connection& connection, const InFlight& op);

 private:
  enum class State : std::uint8_t {
    idle,     // no operation: waits for an order, or until the next one is due
    opening,  // phase connect: opens the first connections of its share of the clients
    asking,   // has operations and waits for a client
    joining,  // holds a client and waits for a connection of it
    sending   // its operations are on a connection
  };
  enum class Source : std::uint8_t { none, closed_loop, open_loop, indexed };
  struct Waiting {  // an operation whose next command has a time of its own
    std::int64_t at_ns;
    InFlight operation;
  };

  // caller.cpp: a turn, and the way of an operation
  void turn();
  void rest(std::int64_t now_ns);
  void ask(std::int64_t now_ns);
  void join(std::int64_t now_ns);
  void use(Client::Place& place, std::int64_t now_ns);
  void exchange(std::int64_t now_ns);
  void await_replies(std::int64_t now_ns);
  void end_if_over();
  void give_up(std::int64_t now_ns);
  void release_client(std::int64_t now_ns);
  void publish(std::int64_t now_ns);
  std::int64_t next_wake_ns(std::int64_t now_ns) const noexcept;
  std::int64_t pool_deadline_ns() const noexcept;

  // caller_operations.cpp: how an operation ends
  void finish_operation(InFlight& op, std::int64_t now_ns);
  void sweep_timeouts(std::int64_t now_ns);
  std::int64_t expiry_ns() noexcept;
  void end_unanswered(const InFlight& op, Outcome outcome, std::uint8_t kind, std::int64_t now_ns);

  // caller_phases.cpp: what is drawn when, and the phases
  void take_orders(std::int64_t now_ns);
  void begin_phase(const BeginPhase& order);
  void start_operations(std::int64_t start_ns);
  void start_arrivals(std::int64_t start_ns);
  void advance_phase(std::int64_t now_ns);
  void close_window(std::int64_t at_ns, std::int64_t grace_ns, const std::string& error_kind);
  void drop_unsent(std::uint8_t kind);
  void lose_in_flight(std::int64_t now_ns);
  void phase_done(std::int64_t now_ns);
  void end_interval(std::int64_t now_ns);
  void release_arrivals(std::int64_t until_ns, std::int64_t now_ns);
  void pause(std::int64_t at_ns);
  void resume(const Resume& order);
  bool exhausted();
  bool draw(std::int64_t now_ns);
  bool draw_closed(std::int64_t now_ns);
  bool draw_open();
  bool draw_indexed(std::int64_t now_ns);
  InFlight& add(const OperationRequest& request, std::int64_t intended_ns);
  std::int64_t think_now(std::int64_t now_ns);
  bool pacing() const noexcept { return source_ == Source::open_loop && generating_; }
  bool batched() const noexcept { return unit_ > 1 && source_ != Source::indexed; }

  // caller_connections.cpp: a client's connections
  void open_clients(std::int64_t now_ns);
  Client::Place* find_connection(std::int64_t now_ns);
  std::uint32_t tend(Client& client, std::uint32_t wanted, std::int64_t now_ns, std::uint32_t most);
  void drive(Client::Place& place, std::int64_t now_ns);
  void look_for_late_replies(Client::Place& place, std::int64_t now_ns);
  std::int64_t silence_ns(Connection& connection) const noexcept;
  void close_silent(Client::Place& place, std::int64_t now_ns);
  void watch_unsettled(Client& client);
  void became_ready(Client::Place& place, std::int64_t now_ns);
  void became_broken(Client::Place& place, std::int64_t now_ns);
  void abandon_operations(std::uint8_t kind, std::int64_t now_ns);

  Sample sample_of(const InFlight& op, Outcome outcome, std::int64_t completed_ns) const {
    return redisload::sample_of(context_.workload, connection_number_, op, outcome, completed_ns);
  }

  const RunContext& context_;
  const WorkerShare share_;
  Recorder& recorder_;
  ClientPool& pool_;
  RecordedEvents workload_events_;
  const std::int64_t poll_ns_;
  const std::uint64_t unit_;  // operations of a batched workload that begin together; 1: none
  const std::uint64_t most_;  // operations in flight
  const std::unique_ptr<OperationStream> stream_;
  std::unique_ptr<OpenLoopPacer> pacer_;
  Poller poller_;
  OrderBox orders_;
  std::vector<char> receive_buffer_;
  OutputBuffer scratch_;
  bool wants_parts_ = false;

  // Its operations, and what holds them.
  State state_ = State::idle;
  std::vector<InFlight> pending_;  // drawn, on no connection
  std::vector<Waiting> waiting_;
  std::uint64_t outstanding_ = 0;  // drawn and not ended
  std::int64_t asked_ns_ = 0;      // for a client
  std::int64_t batch_ns_ = 0;      // the intended time of a batched workload's batch
  bool answered_all_ = false;      // so far, of the batch
  Client* client_ = nullptr;
  Client::Place* place_ = nullptr;
  std::uint32_t connection_number_;  // of the connection that it used last

  Phase phase_ = Phase::connect;
  Source source_ = Source::none;
  std::int64_t start_ns_ = 0, end_ns_ = kNever, grace_ns_ = 0, drain_deadline_ns_ = kNever;
  bool phase_open_ = false;  // begun and not yet reported as done
  bool started_ = false;     // operations may have begun
  bool generating_ = false;  // new operations may begin
  bool paused_ = false;
  bool quit_ = false;
  std::string end_kind_;
  std::int64_t free_since_ns_ = 0;                 // the end of its latest operation
  std::int64_t next_ns_ = 0;                       // closed loop: when the next one is due
  std::uint64_t budget_ = UINT64_MAX;              // closed loop: operations left in this phase
  std::uint64_t arrivals_left_ = UINT64_MAX;       // open loop: operations not yet offered
  std::uint64_t index_next_ = 0, index_left_ = 0;  // prefill, cleanup: its share
  std::vector<std::uint64_t> index_again_;         // whose writing is not certain
  std::size_t think_step_ = 0;                     // of a scenario
  double rate_ = 0;
  std::uint64_t answered_ = 0, issued_ = 0, unsuccessful_ = 0, phase_succeeded_ = 0;
  std::uint64_t ended_ = 0, published_ = 0;  // operations; of them, those that the status counts
  std::int64_t last_answer_ns_ = 0, last_end_ns_ = 0, spun_ns_ = 0;
  std::int64_t next_publish_ns_ = 0;
  std::int64_t spin_again_ns_ = 0;  // not before
  long preemptions_ = 0;
};

}  // namespace redisload
