// One thread of a run as the controller sees it: it takes orders and shows its status. A Worker
// drives its own connections with an event loop (checkout pinned); a Caller takes a client out of a
// pool for each operation and waits for its reply (checkout per_operation).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redisload/metrics/recorder.hpp"
#include "redisload/net/connection.hpp"
#include "redisload/plan/run_plan.hpp"
#include "redisload/run/event_log.hpp"
#include "redisload/run/worker_orders.hpp"
#include "redisload/workload/workload.hpp"

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

class WorkerBase {
 public:
  virtual ~WorkerBase() = default;

  // Called by the controller.
  virtual void post(WorkerOrder order) = 0;
  const WorkerStatus& status() const noexcept { return status_; }
  // After the thread has ended: handshake commands sent, by name; what its operations were drawn
  // from.
  const std::map<std::string, std::uint64_t>& control_commands() const noexcept {
    return control_commands_;
  }
  virtual std::vector<const OperationStream*> streams() const = 0;

  // The thread's body: until Quit.
  virtual void run() = 0;

 protected:
  WorkerStatus status_;
  std::map<std::string, std::uint64_t> control_commands_;
};

// Counts and times of the workload's own, into the recorder.
class RecordedEvents final : public WorkloadEvents {
 public:
  explicit RecordedEvents(Recorder& recorder) : recorder_(recorder) {}
  void tally(std::uint16_t number, std::uint64_t times) override { recorder_.tally(number, times); }
  void series(std::uint16_t number, std::int64_t ns) override {
    recorder_.series(kSeries + number, ns);
  }

 private:
  Recorder& recorder_;
};

// Names the calling thread, pins it, and lets it sleep as exactly as the kernel can.
void settle_thread(std::uint32_t worker, const std::optional<int>& cpu);
std::int64_t thread_cpu_ns();
// How often the calling thread lost its processor to others.
long thread_preemptions();
// "reply.WRONGTYPE" of an error's text, without allocating.
std::uint8_t reply_error_kind(Recorder& recorder, std::string_view text);

// Adds the handshake commands that a connection sent since it was last opened.
void count_handshake(const Connection& connection, std::map<std::string, std::uint64_t>& counts);

// The number of an operation's label in the recorder's layout.
inline std::uint16_t recorded_label(const Workload& workload, const InFlight& op) noexcept {
  std::size_t first = 0;
  if (op.phase == Phase::prefill) first = workload.labels().size();
  if (op.phase == Phase::cleanup)
    first = workload.labels().size() + workload.prefill_labels().size();
  return static_cast<std::uint16_t>(first + op.request.label);
}

inline Sample sample_of(const Workload& workload, std::uint32_t connection, const InFlight& op,
                        Outcome outcome, std::int64_t completed_ns) {
  Sample sample;
  sample.intended_ns = op.intended_ns;
  sample.sent_ns = op.first_sent_ns;
  sample.completed_ns = completed_ns;
  sample.connection = connection;
  sample.bytes = op.bytes_received;
  sample.label = recorded_label(workload, op);
  sample.node = 0;
  sample.attempts = op.attempts;
  sample.outcome = outcome;
  sample.phase = op.phase;
  return sample;
}

}  // namespace redisload
