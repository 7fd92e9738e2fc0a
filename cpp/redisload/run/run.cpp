#include "redisload/run/run.hpp"

#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "redisload/base/error.hpp"
#include "redisload/config/validation.hpp"
#include "redisload/run/caller.hpp"
#include "redisload/run/poll_budget.hpp"
#include "redisload/run/worker.hpp"
#include "redisload/workload/workload_registry.hpp"

namespace redisload {
namespace {

// Threads of ours must not take the signals that are meant for the interpreter's main thread.
template <typename Body>
std::thread thread_without_signals(Body body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

RecorderLayout layout_of(const Workload& workload) {
  RecorderLayout layout;
  const auto add = [&](const std::vector<OperationLabel>& labels) {
    for (const OperationLabel& label : labels) layout.labels.push_back({label.name, label.command});
  };
  add(workload.labels());
  layout.operation_labels = layout.labels.size();
  add(workload.prefill_labels());
  add(workload.cleanup_labels());
  layout.extra_series = workload.series();
  layout.tallies = workload.tallies();
  return layout;
}

// Valid, with duration and seed set.
RunConfig validated(const RunConfig& config) {
  std::vector<ConfigProblem> problems = validate(config);
  for (ConfigProblem& problem : workload_problems(config)) problems.push_back(std::move(problem));
  if (!problems.empty()) throw ConfigError(std::move(problems));
  return effective(config);
}

std::shared_ptr<const Workload> workload_of(const RunConfig& config) {
  auto workload = make_workload(config, *config.seed);
  const TopologyConfig& topology = config.topology;
  if (topology.checkout != Checkout::per_operation) return workload;
  const std::uint64_t threads = topology.client_pools * topology.threads_per_pool;
  for (std::uint64_t thread = 0; thread < threads; ++thread) {
    if (!workload->sends(thread, threads)) {
      throw ConfigError(
          {{"topology.checkout", "per_operation",
            "pinned for " + config.workload.name + ", whose subscribers keep their connections"}});
    }
  }
  return workload;
}

Sends sends_of(const Workload& workload) {
  return [&workload](std::uint64_t connection, std::uint64_t connections) {
    return workload.sends(connection, connections);
  };
}

CollectorOptions collector_options(const RunPlan& plan, const Workload& workload,
                                   std::int64_t zero_ns) {
  CollectorOptions options;
  options.layout = layout_of(workload);
  if (plan.config.objective) options.layout.objective_ns = plan.config.objective->count();
  options.workers = plan.workers.size();
  options.zero_ns = zero_ns;
  options.interval_ns = plan.config.interval.count();
  options.sample_rate = plan.config.sample_rate;
  options.sample_limit = plan.config.sample_limit;
  options.seed = plan.seed;
  options.response_timeout_ns = plan.config.timeouts.response.count();
  return options;
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Run::Run(const RunConfig& config) : Run(validated(config), nullptr) {}

Run::Run(const RunConfig& config, std::shared_ptr<const Workload> workload)
    : workload_(workload != nullptr ? std::move(workload) : workload_of(config)),
      plan_(make_plan(config, sends_of(*workload_))),
      zero_ns_(MonotonicClock().now_ns()) {
  facts_.seed = plan_.seed;
  facts_.started_at = wall_seconds();
  facts_.workers = static_cast<std::uint32_t>(plan_.workers.size());
  facts_.connections = plan_.connections;
  facts_.observed.closed_loop = !plan_.open_loop();
  facts_.observed.threads_reduced = plan_.threads_reduced;
  facts_.observed.cleanup_asked = plan_.config.cleanup;
  facts_.observed.expected_miss_share = workload_->expected_miss_share();
  facts_.observed.keyspace = plan_.config.keys.count;
  collector_ = std::make_unique<Collector>(collector_options(plan_, *workload_, zero_ns_));
  done_descriptor_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  controller_ = thread_without_signals([this] { lead(); });
}

Run::~Run() {
  stop(StopReason::stopped);
  if (controller_.joinable()) controller_.join();
  if (done_descriptor_ >= 0) close(done_descriptor_);
}

void Run::lead() {
  pthread_setname_np(pthread_self(), "redisload-run");
  try {
    execute();
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
  }
  finish();
}

void Run::execute() {
  if (!find_addresses()) return;
  setup_.connect_timeout = plan_.config.timeouts.connect;
  setup_.handshake_timeout = plan_.config.timeouts.handshake;
  setup_.window = std::max<std::size_t>(plan_.config.pipeline, plan_.prefill_window);
  start_workers();
  connect();
  if (!ended()) open_control();
  if (!ended() && plan_.config.prefill) prefill();
  if (!ended() && plan_.config.warmup.count() > 0) warm_up();
  if (!ended()) measure();
  // Stopped while connecting: nothing was written, and there may be nobody to ask. Interrupted: the
  // user wants to go, now.
  const StopReason reason = stop_reason_;
  if (plan_.config.cleanup && phase_ != Phase::connect && reason != StopReason::stalled &&
      reason != StopReason::interrupted) {
    cleanup();
  }
}

// False when the run was stopped meanwhile.
bool Run::find_addresses() {
  const auto asked = [this] {
    const std::lock_guard lock(mutex_);
    return asked_;
  };
  try {
    setup_.addresses = resolve(plan_.config.target, plan_.config.timeouts.resolve,
                               [&] { return asked() != StopReason::none; });
    return true;
  } catch (const TargetError&) {
    if (asked() == StopReason::none) throw;
    stop_reason_ = asked();
    return false;
  }
}

void Run::start_workers() {
  const auto notify = [this] {
    const std::lock_guard lock(mutex_);
    attention_ = true;
    changed_.notify_all();
  };
  context_ =
      std::make_unique<RunContext>(RunContext{plan_, *workload_, setup_, clock_, events_, notify});
  const std::int64_t poll_ns = poll_budget(plan_).count();
  if (plan_.per_operation()) make_pools();
  std::vector<std::unique_ptr<WorkerBase>> workers;
  for (const WorkerShare& share : plan_.workers) {
    Recorder& recorder = collector_->recorder(share.worker);
    if (plan_.per_operation()) {
      workers.push_back(
          std::make_unique<Caller>(*context_, share, recorder, *pools_[share.pool], poll_ns));
    } else {
      workers.push_back(std::make_unique<Worker>(*context_, share, recorder, poll_ns));
    }
  }
  {
    const std::lock_guard lock(mutex_);  // others may ask for a rate by now
    workers_ = std::move(workers);
    if (asked_rate_) post_all(*asked_rate_);
  }
  for (auto& worker : workers_) {
    worker_threads_.push_back(thread_without_signals([this, w = worker.get()] {
      try {
        w->run();
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (worker_failure_ == nullptr) worker_failure_ = std::current_exception();
        attention_ = true;
        changed_.notify_all();
      }
    }));
  }
}

void Run::make_pools() {
  const TopologyConfig& topology = plan_.config.topology;
  const auto clients = static_cast<std::uint32_t>(topology.clients_per_pool);
  const auto connections = static_cast<std::uint32_t>(topology.max_connections);
  std::vector<std::unique_ptr<ClientPool>> pools;
  for (std::uint32_t pool = 0; pool < topology.client_pools; ++pool) {
    const auto make = [this, pool](std::uint32_t number) {
      return std::make_unique<Connection>(
          number, setup_,
          make_handshake(plan_.config.target, load_connection_name(plan_, pool, number),
                         workload_->protocol()),
          std::make_unique<PlainTransport>(),
          Random::stream(plan_.seed, StreamPurpose::backoff, number));
    };
    pools.push_back(
        std::make_unique<ClientPool>(clients, connections, pool * clients * connections, make,
                                     std::make_unique<FreeClientLine>(clients, clock_)));
  }
  const std::lock_guard lock(mutex_);
  pools_ = std::move(pools);
}

// What the pools know when no thread uses them any more. The lock is held.
void Run::close_pools() {
  if (!plan_.per_operation()) return;
  facts_.connections = 0;
  for (const auto& pool : pools_) {
    facts_.connections += pool->opened();
    for (const auto& client : pool->clients()) {
      for (std::uint32_t i = 0; i < client->made(); ++i) {
        const Connection& connection = *client->place(i).connection;
        // Its handshake went out, and nobody has seen its end.
        if (connection.state() == Connection::State::handshake)
          count_handshake(connection, facts_.control_commands);
      }
    }
  }
  pools_.clear();
}

void Run::finish() {
  for (auto& worker : workers_) worker->post(Quit{});
  for (auto& thread : worker_threads_) thread.join();
  collector_->close();
  const std::lock_guard lock(mutex_);
  for (const auto& worker : workers_) {
    for (const auto& [name, count] : worker->control_commands())
      facts_.control_commands[name] += count;
  }
  if (control_ != nullptr) {
    for (const auto& [name, count] : control_->sent()) facts_.control_commands[name] += count;
  }
  control_.reset();
  // Without an answer, but also without a question (a low rate), nothing is known of the target.
  if (failure_ == nullptr && !events_.answered() && sum(&WorkerStatus::issued) != 0 &&
      stop_reason_ != StopReason::stopped && stop_reason_ != StopReason::interrupted) {
    failure_ = std::make_exception_ptr(
        TargetError("first_reply",
                    setup_.addresses.front().text + " answered no operation before the run ended"));
  }
  std::vector<const OperationStream*> streams;
  for (const auto& worker : workers_) {
    const auto more = worker->streams();
    streams.insert(streams.end(), more.begin(), more.end());
  }
  if (!streams.empty()) facts_.report = workload_->report(streams);
  // A finished run that somebody still holds keeps its results, not its descriptors and buffers.
  worker_threads_.clear();
  workers_.clear();
  close_pools();
  facts_.stop_reason = stop_reason_;
  facts_.final = true;
  facts_.current_phase = Phase::done;
  facts_.progress.reset();
  over_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t ignored = write(done_descriptor_, &one, sizeof one);
  changed_.notify_all();
}

}  // namespace redisload
