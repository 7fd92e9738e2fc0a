// A run: its workers, its collector and the thread that leads them through the phases. Starts when
// made; lives until its destructor, which stops and joins. Every method may be called from any
// thread; none waits longer than it says. Several runs live in one process, nothing is global.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "redisload/metrics/collector.hpp"
#include "redisload/net/client_pool.hpp"
#include "redisload/net/control_connection.hpp"
#include "redisload/plan/run_plan.hpp"
#include "redisload/results/run_results.hpp"
#include "redisload/run/event_log.hpp"
#include "redisload/run/worker_base.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload {

// How far ahead of the clock a phase or a rate begins, so that all workers begin at the same
// instant.
inline constexpr std::int64_t kPhaseLead = kMillisecond;
// For a rate longer: the workers are busy then, and evenness over them depends on it.
inline constexpr std::int64_t kRateLead = 5 * kMillisecond;

struct ProcessorTimes {
  double total = 0, idle = 0, steal = 0;
};

class Run {
 public:
  // Throws ConfigError with every problem; nothing is started then.
  explicit Run(const RunConfig& config);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // True when the run is over; waits for that at most `timeout` (none: for ever).
  bool wait(std::optional<Duration> timeout);
  // Closes the window now; what is in flight gets at most 0.5 s. Returns at once.
  void stop(StopReason reason);
  void pause();
  void resume();
  // Operations/s of the whole run. Throws ConfigError in a closed loop or for a bad rate.
  void set_rate(double rate);
  // Throws TargetError or RunError if the run failed before its first answered operation.
  void raise_error() const;
  RunResults results() const;
  Collector& collector() noexcept { return *collector_; }
  // Becomes readable when the run is over; owned by the run.
  int done_descriptor() const noexcept { return done_descriptor_; }

 private:
  Run(const RunConfig& config, std::shared_ptr<const Workload> workload);
  // run.cpp: the controller's thread; run_phases.cpp: connect() and what follows
  void lead();
  void execute();
  void finish();
  bool find_addresses();
  void start_workers();
  void make_pools();
  void close_pools();
  void connect();
  void prefill();
  void warm_up();
  void measure();
  void cleanup();
  void run_phase(BeginPhase order);
  void wait_phase();
  void tick();
  void end_phase(StopReason reason, std::int64_t at_ns, Duration grace);
  void check_stalled(std::int64_t now_ns);
  void check_budget();
  void sample_backlog(std::int64_t now_ns);
  bool ended() const noexcept { return stop_reason_.load() != StopReason::none; }
  bool all_done() const;
  std::uint64_t sum(std::atomic<std::uint64_t> WorkerStatus::* member) const;
  std::int64_t latest(std::atomic<std::int64_t> WorkerStatus::* member) const;
  void post_all(const WorkerOrder& order);

  // run_observation.cpp: what is asked of the server and of the machine
  void open_control();
  void measure_base_rtt();
  void observe_server(bool before);
  void observe_window(std::int64_t start_ns, std::int64_t end_ns);
  void check_prefill();
  std::vector<std::int64_t> busy_now() const;

  const std::shared_ptr<const Workload> workload_;
  const RunPlan plan_;
  MonotonicClock clock_;
  EventLog events_;
  ConnectionSetup setup_;
  std::unique_ptr<RunContext> context_;
  std::unique_ptr<Collector> collector_;
  std::vector<std::unique_ptr<ClientPool>> pools_;  // checkout per_operation
  std::vector<std::unique_ptr<WorkerBase>> workers_;
  std::vector<std::thread> worker_threads_;
  std::unique_ptr<ControlConnection> control_;

  std::thread controller_;
  mutable std::mutex mutex_;  // guards what follows, and the condition
  std::condition_variable changed_;
  bool over_ = false;
  bool attention_ = false;
  std::exception_ptr failure_;
  std::exception_ptr worker_failure_;  // what ended a worker's thread
  StopReason asked_ = StopReason::none;
  std::int64_t asked_ns_ = 0;
  std::optional<SetRate> asked_rate_;  // before there were workers to tell
  std::int64_t paused_since_ns_ = kNever;
  std::int64_t paused_total_ns_ = 0;
  RunResults facts_;  // all but metrics, filled as the run goes
  Phase phase_ = Phase::connect;
  std::int64_t phase_start_ns_ = 0, phase_end_ns_ = kNever;
  std::uint32_t phases_begun_ = 0;
  bool phase_ending_ = false;      // its end has passed
  bool phase_end_posted_ = false;  // it was told to end early

  const std::int64_t zero_ns_;
  int done_descriptor_ = -1;
  std::atomic<StopReason> stop_reason_{StopReason::none};
  std::int64_t stop_at_ns_ = 0;
  std::uint64_t answered_before_ = 0;
  std::int64_t progress_ns_ = 0;  // when an answer was last seen, or the phase began
  std::vector<std::int64_t> busy_before_;
  std::map<std::string, std::string> info_before_;
  std::int64_t info_before_ns_ = 0;
  ProcessorTimes processor_before_;
};

}  // namespace redisload
