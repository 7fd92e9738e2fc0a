// How the controller leads the workers through the phases, and when a phase ends before its time.
#include <algorithm>
#include <string>

#include "redisload/base/error.hpp"
#include "redisload/run/run.hpp"

namespace redisload {
namespace {

constexpr Duration kTick = std::chrono::milliseconds(5);
constexpr Duration kStopGrace = std::chrono::milliseconds(400);
const std::string kEnded = "run.ended";
const std::string kStopped = "run.stopped";

}  // namespace

void Run::connect() { run_phase({Phase::connect, clock_.now_ns(), kNever, 0}); }

void Run::prefill() {
  if (workload_->prefill_count() == 0) return;
  run_phase(
      {Phase::prefill, clock_.now_ns() + kPhaseLead, kNever, plan_.config.timeouts.grace.count()});
  {
    const std::lock_guard lock(mutex_);
    facts_.observed.prefill_ran = true;
    facts_.observed.prefilled = sum(&WorkerStatus::phase_succeeded);
  }
  if (!ended()) check_prefill();
}

void Run::warm_up() {
  const std::int64_t start_ns = clock_.now_ns() + kPhaseLead;
  run_phase({Phase::warmup, start_ns, start_ns + plan_.config.warmup.count(),
             plan_.config.timeouts.grace.count()});
}

void Run::measure() {
  observe_server(true);
  busy_before_ = busy_now();
  const std::int64_t start_ns = clock_.now_ns() + kPhaseLead;
  const auto duration = plan_.config.duration;
  const bool limited = duration && duration->count() > 0;
  run_phase({Phase::measure, start_ns, limited ? start_ns + duration->count() : kNever,
             plan_.config.timeouts.grace.count()});
  std::int64_t end_ns = phase_end_ns_;
  if (ended()) {
    end_ns = stop_at_ns_;
  } else if (phase_ending_) {
    stop_reason_ = StopReason::duration;
  } else {
    // Every operation of the limit has its outcome: the window ends with the last one.
    end_ns = std::max(start_ns, latest(&WorkerStatus::last_end_ns));
    stop_reason_ = StopReason::operations;
  }
  {
    const std::lock_guard lock(mutex_);
    std::int64_t at_ns = start_ns;
    for (const ScenarioStep& step : plan_.config.scenario) {
      if (at_ns >= end_ns) break;
      const std::int64_t until_ns = std::min(at_ns + step.duration.count(), end_ns);
      facts_.steps.push_back({step.name, at_ns - zero_ns_, until_ns - zero_ns_, step.rate,
                              step.to_rate ? step.to_rate : step.rate});
      at_ns += step.duration.count();
    }
  }
  observe_window(start_ns, end_ns);
  observe_server(false);
}

void Run::cleanup() {
  run_phase(
      {Phase::cleanup, clock_.now_ns() + kPhaseLead, kNever, plan_.config.timeouts.grace.count()});
}

void Run::run_phase(BeginPhase order) {
  {
    const std::lock_guard lock(mutex_);
    phase_ = facts_.current_phase = order.phase;
    phase_start_ns_ = order.start_ns;
    phase_end_ns_ = order.end_ns;
    phase_ending_ = phase_end_posted_ = false;
    paused_total_ns_ = 0;
    facts_.phases.push_back({order.phase, order.start_ns - zero_ns_, -1});
  }
  progress_ns_ = order.start_ns;
  answered_before_ = sum(&WorkerStatus::answered);
  ++phases_begun_;
  post_all(order);
  wait_phase();
  const std::lock_guard lock(mutex_);
  facts_.phases.back().end_ns = clock_.now_ns() - zero_ns_;
}

void Run::wait_phase() {
  while (!all_done()) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kTick, [this] { return attention_; });
      attention_ = false;
    }
    tick();
    // Nothing was sent yet: there is nothing to drain.
    if (phase_ == Phase::connect && ended()) return;
  }
  collector_->poll();
  if (const auto fault = events_.refusal()) throw TargetError(fault->stage, fault->message);
}

void Run::tick() {
  collector_->poll();
  if (const auto fault = events_.refusal()) throw TargetError(fault->stage, fault->message);
  const std::int64_t now_ns = clock_.now_ns();
  StopReason asked = StopReason::none;
  std::int64_t asked_ns = 0;
  {
    const std::lock_guard lock(mutex_);
    if (worker_failure_ != nullptr) std::rethrow_exception(worker_failure_);
    std::swap(asked, asked_);
    asked_ns = asked_ns_;
    if (now_ns >= phase_end_ns_ && paused_since_ns_ == kNever) phase_ending_ = true;
  }
  if (asked != StopReason::none) end_phase(asked, asked_ns, kStopGrace);
  if (phase_end_posted_ || phase_ == Phase::connect) return;
  if (phase_ == Phase::measure) {
    check_budget();
    sample_backlog(now_ns);
  }
  check_stalled(now_ns);
}

void Run::end_phase(StopReason reason, std::int64_t at_ns, Duration grace) {
  // A window that has already closed keeps its reason; only its drain is cut short.
  const bool window_closed = phase_ == Phase::cleanup || phase_ending_ || ended();
  at_ns = std::max(at_ns, phase_start_ns_);
  if (!window_closed) {
    stop_at_ns_ = at_ns;
    stop_reason_ = reason;
  }
  phase_end_posted_ = true;
  const bool by_user = reason == StopReason::stopped || reason == StopReason::interrupted;
  post_all(EndPhase{at_ns, grace.count(), by_user ? kStopped : kEnded});
}

// Prefill, warm-up, cleanup and a run without a duration end when nothing is answered any more.
void Run::check_stalled(std::int64_t now_ns) {
  {
    const std::lock_guard lock(mutex_);
    if (paused_since_ns_ != kNever || (phase_ == Phase::measure && phase_end_ns_ != kNever)) {
      progress_ns_ = now_ns;
      return;
    }
  }
  const std::uint64_t answered = sum(&WorkerStatus::answered);
  if (answered != answered_before_) {
    answered_before_ = answered;
    progress_ns_ = std::max(progress_ns_, now_ns);
    return;
  }
  const Duration patience = plan_.config.timeouts.response + plan_.config.timeouts.grace;
  if (now_ns - progress_ns_ >= patience.count())
    end_phase(StopReason::stalled, now_ns, Duration::zero());
}

void Run::check_budget() {
  const ErrorBudget& budget = plan_.config.max_errors;
  if (!budget.count && !budget.share) return;
  const std::uint64_t errors = sum(&WorkerStatus::unsuccessful);
  const std::uint64_t issued = sum(&WorkerStatus::issued);
  // A share of a handful says nothing: it is judged from 100 operations on.
  const bool too_many = (budget.count && errors > *budget.count) ||
                        (budget.share && issued >= 100 &&
                         static_cast<double>(errors) > *budget.share * static_cast<double>(issued));
  if (too_many) end_phase(StopReason::max_errors, clock_.now_ns(), kStopGrace);
}

void Run::sample_backlog(std::int64_t now_ns) {
  if (phase_end_ns_ == kNever || !plan_.open_loop()) return;
  const std::int64_t quarter = (phase_end_ns_ - phase_start_ns_) / 4;
  auto& backlog = facts_.observed.backlog;
  const auto due =
      static_cast<std::size_t>(quarter == 0 ? 0 : (now_ns - phase_start_ns_) / quarter);
  const std::lock_guard lock(mutex_);
  if (due >= 1 && due <= 3 && backlog.size() < due)
    backlog.resize(due, sum(&WorkerStatus::waiting));
}

// --- what the workers let the controller see ---------------------------------------

bool Run::all_done() const {
  return std::all_of(workers_.begin(), workers_.end(), [this](const auto& worker) {
    return worker->status().phases_done.load(std::memory_order_acquire) >= phases_begun_;
  });
}

std::uint64_t Run::sum(std::atomic<std::uint64_t> WorkerStatus::* member) const {
  std::uint64_t total = 0;
  for (const auto& worker : workers_)
    total += (worker->status().*member).load(std::memory_order_relaxed);
  return total;
}

std::int64_t Run::latest(std::atomic<std::int64_t> WorkerStatus::* member) const {
  std::int64_t latest = 0;
  for (const auto& worker : workers_)
    latest = std::max(latest, (worker->status().*member).load(std::memory_order_relaxed));
  return latest;
}

std::vector<std::int64_t> Run::busy_now() const {
  std::vector<std::int64_t> busy;
  for (const auto& worker : workers_)
    busy.push_back(worker->status().busy_ns.load(std::memory_order_relaxed));
  return busy;
}

void Run::post_all(const WorkerOrder& order) {
  for (auto& worker : workers_) worker->post(order);
}

}  // namespace redisload
