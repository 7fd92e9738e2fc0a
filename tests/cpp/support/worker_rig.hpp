// One worker with a workload of the test's own, led through its phases by the test: what Run does,
// without Run. The worker has a real event loop and real sockets.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "redisload/metrics/collector.hpp"
#include "redisload/plan/run_plan.hpp"
#include "redisload/run/event_log.hpp"
#include "redisload/run/worker.hpp"

namespace redisload::test {

class WorkerRig {
 public:
  WorkerRig(const RunConfig& config, const Workload& workload, std::vector<Address> addresses = {})
      : plan_(make_plan(config,
                        [&](std::uint64_t i, std::uint64_t n) { return workload.sends(i, n); })),
        setup_(make_setup(plan_, std::move(addresses))),
        collector_(options(plan_, workload)),
        context_{plan_, workload, setup_, clock_, events_, [this] { notify(); }},
        worker_(context_, plan_.workers.front(), collector_.recorder(0), 0),
        thread_([this] { worker_.run(); }) {}
  ~WorkerRig() {
    if (thread_.joinable()) finish();
  }
  WorkerRig(const WorkerRig&) = delete;
  WorkerRig& operator=(const WorkerRig&) = delete;

  // Both wait until the phase is done; false: it was not in time, or the target refused us.
  bool connect() { return lead({Phase::connect, clock_.now_ns(), kNever, 0}); }
  bool measure(Duration duration, Duration grace) {
    const std::int64_t start_ns = clock_.now_ns();
    window_ns_ = duration.count();
    return lead({Phase::measure, start_ns,
                 duration == Duration::max() ? kNever : start_ns + duration.count(),
                 grace.count()});
  }
  void post(const WorkerOrder& order) { worker_.post(order); }
  // Ends the worker; what it measured.
  MetricsSnapshot finish() {
    worker_.post(Quit{});
    thread_.join();
    collector_.close();
    return collector_.snapshot(window_ns_);
  }

  EventLog& events() noexcept { return events_; }
  const RunPlan& plan() const noexcept { return plan_; }

 private:
  static ConnectionSetup make_setup(const RunPlan& plan, std::vector<Address> addresses) {
    ConnectionSetup setup;
    setup.addresses = std::move(addresses);
    if (setup.addresses.empty())
      setup.addresses = resolve(plan.config.target, std::chrono::seconds(5), [] { return false; });
    setup.connect_timeout = plan.config.timeouts.connect;
    setup.handshake_timeout = plan.config.timeouts.handshake;
    setup.window = plan.config.pipeline;
    return setup;
  }
  static CollectorOptions options(const RunPlan& plan, const Workload& workload) {
    CollectorOptions options;
    for (const OperationLabel& label : workload.labels())
      options.layout.labels.push_back({label.name, label.command});
    options.layout.operation_labels = options.layout.labels.size();
    options.layout.extra_series = workload.series();
    options.layout.tallies = workload.tallies();
    options.zero_ns = MonotonicClock().now_ns();
    options.interval_ns = plan.config.interval.count();
    options.sample_rate = plan.config.sample_rate;
    options.sample_limit = plan.config.sample_limit;
    options.response_timeout_ns = plan.config.timeouts.response.count();
    return options;
  }

  bool lead(const BeginPhase& order) {
    ++begun_;
    worker_.post(order);
    std::unique_lock lock(mutex_);
    const auto over = [this] { return done() || events_.refusal().has_value(); };
    for (int second = 0; second < 20 && !over(); ++second)
      changed_.wait_for(lock, std::chrono::seconds(1), over);
    return done();
  }
  bool done() const {
    return worker_.status().phases_done.load(std::memory_order_acquire) >= begun_;
  }
  void notify() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }

  const RunPlan plan_;
  const ConnectionSetup setup_;
  MonotonicClock clock_;
  EventLog events_;
  Collector collector_;
  std::mutex mutex_;
  std::condition_variable changed_;
  const RunContext context_;
  Worker worker_;
  std::uint32_t begun_ = 0;
  std::int64_t window_ns_ = 0;
  std::thread thread_;
};

}  // namespace redisload::test
