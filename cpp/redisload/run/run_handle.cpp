// What others ask of a run while it goes, from any thread.
#include <algorithm>
#include <string>

#include "redisload/base/error.hpp"
#include "redisload/config/validation.hpp"
#include "redisload/run/run.hpp"

namespace redisload {

bool Run::wait(std::optional<Duration> timeout) {
  std::unique_lock lock(mutex_);
  if (!timeout) {
    changed_.wait(lock, [this] { return over_; });
    return true;
  }
  return changed_.wait_for(lock, *timeout, [this] { return over_; });
}

void Run::stop(StopReason reason) {
  const std::lock_guard lock(mutex_);
  if (asked_ == StopReason::none || reason == StopReason::interrupted) {
    asked_ = reason;
    asked_ns_ = clock_.now_ns();
  }
  attention_ = true;
  changed_.notify_all();
}

void Run::pause() {
  if (!plan_.config.scenario.empty())
    throw ConfigError({{"pause", "", "a scenario keeps to its timetable: it cannot be paused"}});
  const std::lock_guard lock(mutex_);
  if (over_ || paused_since_ns_ != kNever || phase_ != Phase::measure) return;
  paused_since_ns_ = clock_.now_ns();
  events_.add({paused_since_ns_, "pause", -1, ""});
  for (auto& worker : workers_) worker->post(Pause{paused_since_ns_});
}

void Run::resume() {
  const std::lock_guard lock(mutex_);
  if (over_ || paused_since_ns_ == kNever) return;
  const std::int64_t now_ns = clock_.now_ns();
  const std::int64_t paused_ns = now_ns - paused_since_ns_;
  paused_total_ns_ += paused_ns;
  if (phase_end_ns_ != kNever) phase_end_ns_ += paused_ns;
  paused_since_ns_ = kNever;
  events_.add({now_ns, "resume", -1, ""});
  for (auto& worker : workers_) worker->post(Resume{now_ns, phase_end_ns_});
}

void Run::set_rate(double rate) {
  if (!plan_.rates.empty()) {
    throw ConfigError({{"rate", std::to_string(rate), "a scenario's steps have their own rates"}});
  }
  if (!plan_.open_loop()) {
    throw ConfigError(
        {{"rate", std::to_string(rate), "a closed loop has no rate: start the run with rate=…"}});
  }
  if (!(rate > 0) || rate > kHighestRate) {
    throw ConfigError(
        {{"rate", std::to_string(rate),
          "a number above 0 and at most 100,000,000 operations/s (pause() stops arrivals)"}});
  }
  const std::lock_guard lock(mutex_);
  const std::int64_t from_ns = clock_.now_ns() + kRateLead;
  events_.add({from_ns, "rate", -1, std::to_string(rate)});
  asked_rate_ = SetRate{from_ns, rate};
  post_all(*asked_rate_);
}

void Run::raise_error() const {
  const std::lock_guard lock(mutex_);
  if (failure_ != nullptr) std::rethrow_exception(failure_);
}

RunResults Run::results() const {
  RunResults results;
  std::int64_t window_ns = 0;
  {
    const std::lock_guard lock(mutex_);
    results = facts_;
    if (!pools_.empty()) {
      results.connections = 0;
      for (const auto& pool : pools_) results.connections += pool->opened();
    }
    if (!facts_.final && phase_ != Phase::connect && phase_end_ns_ != kNever) {
      const auto span = static_cast<double>(phase_end_ns_ - phase_start_ns_);
      results.progress =
          std::clamp(static_cast<double>(clock_.now_ns() - phase_start_ns_) / span, 0.0, 1.0);
    }
    if (!facts_.final && phase_ == Phase::prefill) {
      results.progress = static_cast<double>(sum(&WorkerStatus::phase_succeeded)) /
                         static_cast<double>(workload_->prefill_count());
    }
    window_ns = results.observed.window_ns;
    if (window_ns == 0 && !facts_.final && phase_ == Phase::measure) {
      const std::int64_t until_ns = std::min({clock_.now_ns(), phase_end_ns_, paused_since_ns_});
      window_ns = std::max<std::int64_t>(0, until_ns - phase_start_ns_ - paused_total_ns_);
    }
  }
  results.metrics = collector_->snapshot(window_ns);
  for (const auto& [name, number] : results.report.counters)
    results.metrics.counters[name] = number;
  for (const Event& event : events_.events()) {
    results.events.push_back({event.at_ns - zero_ns_, event.kind, event.connection, event.message});
  }
  if (results.final) judge(results);
  return results;
}

}  // namespace redisload
