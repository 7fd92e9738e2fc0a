// When operations begin and when phases end.
#include <algorithm>
#include <limits>

#include "redisload/run/worker.hpp"

namespace redisload {

void Worker::begin_phase(const BeginPhase& order) {
  phase_ = order.phase;
  start_ns_ = order.start_ns;
  end_ns_ = order.end_ns;
  grace_ns_ = order.grace_ns;
  drain_deadline_ns_ = kNever;
  phase_open_ = true;
  started_ = generating_ = false;
  end_kind_ = "run.ended";
  phase_succeeded_ = 0;
  paused_ = false;  // a pause ends with its phase
  for (Slot& slot : slots_) {
    slot.parked = 0;
    slot.batch_open = false;
  }
  if (phase_ != Phase::connect) return;
  source_ = Source::none;
  started_ = generating_ = true;
  for (std::uint32_t i = share_.connections; i-- != 0;) to_open_.push_back(i);
  open_some(context_.clock.now_ns());
}

// The phase's first operations; their intended time is its start.
void Worker::start_operations(std::int64_t start_ns) {
  const RunPlan& plan = context_.plan;
  const Workload& workload = context_.workload;
  started_ = generating_ = true;
  recorder_.begin_phase(phase_, start_ns);
  tell_streams(phase_);
  const bool indexed = phase_ == Phase::prefill || phase_ == Phase::cleanup;
  window_limit_ = indexed ? plan.prefill_window : plan.config.pipeline;
  source_ = indexed ? Source::indexed : plan.open_loop() ? Source::open_loop : Source::closed_loop;
  if (indexed) {
    const std::uint64_t total =
        phase_ == Phase::prefill ? workload.prefill_count() : workload.cleanup_count();
    index_next_ = share_.worker;
    index_left_ = share_of(total, share_.worker, plan.workers.size());
    index_again_.clear();
  }
  if (source_ == Source::open_loop) {
    const bool limited = phase_ == Phase::measure && share_.arrivals.has_value();
    batches_waiting_ = 0;
    arrivals_left_ = limited ? share_.arrivals.value_or(0) : UINT64_MAX;
    const std::uint64_t batches = arrivals_left_ / batch_ + (arrivals_left_ % batch_ != 0 ? 1 : 0);
    const bool scenario = phase_ == Phase::measure && !plan.rates.empty();
    if (scenario) rate_ = plan.first_rate();
    pacer_->start(start_ns, rate_ / static_cast<double>(batch_),
                  share_.senders == 0 ? 0
                  : limited           ? batches
                                      : OpenLoopPacer::kNoBudget);
    if (paused_) pacer_->set_rate(start_ns, 0);  // before it began
    if (scenario) pacer_->follow(start_ns, plan.rates, 1.0 / static_cast<double>(batch_));
    free_.clear();
    for (std::uint32_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].connection->ready() && has_room(slots_[i])) free_.add(i);
    }
    return;
  }
  const bool limited = source_ == Source::closed_loop && phase_ == Phase::measure &&
                       plan.config.operations.has_value();
  budget_left_ = limited ? 0 : UINT64_MAX;
  std::uint64_t rank = share_.first_sender;
  for (Slot& slot : slots_) {
    slot.budget = !limited     ? UINT64_MAX
                  : slot.sends ? share_of(*plan.config.operations, rank, plan.senders)
                               : 0;
    if (slot.sends) ++rank;
    if (limited) budget_left_ += slot.budget;
  }
  if (batched()) {
    for (Slot& slot : slots_) {
      if (slot.sends && slot.connection->window().empty()) next_batch(slot, start_ns);
    }
    return;
  }
  for (std::size_t k = 0; k < window_limit_; ++k) {
    for (Slot& slot : slots_) {
      if ((slot.sends || indexed) && slot.connection->window().size() <= k)
        next_operation(slot, start_ns);
    }
  }
}

void Worker::advance_phase(std::int64_t now_ns) {
  if (phase_ == Phase::connect) {
    if (ready_ == slots_.size()) phase_done(now_ns);
    return;
  }
  if (!started_ && generating_ == false && drain_deadline_ns_ == kNever) {
    if (now_ns < start_ns_) return;
    start_operations(start_ns_);
  }
  if (generating_) {
    if (source_ == Source::open_loop)
      release_arrivals(std::min(now_ns, end_ns_ == kNever ? now_ns : end_ns_ - 1), now_ns);
    if (now_ns >= end_ns_) {
      close_window(end_ns_, grace_ns_, end_kind_);
    } else if (outstanding_ == 0 && exhausted()) {
      if (settled(now_ns)) {
        phase_done(now_ns);
      } else if (window_end_ns(now_ns) != kNever) {
        await_deliveries(now_ns);
      }
    }
    return;
  }
  if (outstanding_ != 0 && now_ns >= drain_deadline_ns_) lose_in_flight(now_ns);
  if (outstanding_ == 0 && (settled(now_ns) || now_ns >= drain_deadline_ns_)) phase_done(now_ns);
}

// Messages may still be on their way to subscribers. Every stream is asked: asking tells it that
// this worker sends no more.
bool Worker::settled(std::int64_t now_ns) const {
  bool all = true;
  for (const Slot& slot : slots_) all = slot.stream->settled(now_ns) && all;
  return all;
}

// All operations of a limited run have ended, and the window with them, but messages have not
// arrived. Before that, while other workers still send some, the window stays open here too.
void Worker::await_deliveries(std::int64_t now_ns) {
  generating_ = false;
  drain_deadline_ns_ = end_ns_ == kNever ? kNever - 1 : end_ns_ + grace_ns_;
  if (phase_ == Phase::measure) recorder_.begin_phase(Phase::drain, window_end_ns(now_ns));
}

// Of a window that all its operations have ended; kNever: not those of other workers.
std::int64_t Worker::window_end_ns(std::int64_t now_ns) const {
  std::int64_t end_ns = std::max(last_end_ns_, start_ns_);
  for (const Slot& slot : slots_) end_ns = std::max(end_ns, slot.stream->others_ended_ns());
  return end_ns == start_ns_ ? now_ns : end_ns;
}

void Worker::tell_streams(Phase phase) {
  if (phase == Phase::prefill || phase == Phase::cleanup) return;
  for (Slot& slot : slots_) slot.stream->entered(phase);
}

// Whether the phase's share of operations has all been drawn.
bool Worker::exhausted() {
  switch (source_) {
    case Source::closed_loop:
      return budget_left_ == 0;
    case Source::open_loop:
      return pacer_->next_release_ns() == kNever && !pacer_->waiting() &&
             share_.arrivals.has_value() && !paused_;
    case Source::indexed:
      return index_left_ == 0 && index_again_.empty();
    default:
      return true;
  }
}

void Worker::close_window(std::int64_t at_ns, std::int64_t grace_ns,
                          const std::string& error_kind) {
  end_kind_ = error_kind;
  const std::uint8_t kind = recorder_.error_kind(error_kind);
  if (!started_) {  // ended before it began
    recorder_.begin_phase(phase_, at_ns);
    tell_streams(phase_);
    started_ = true;
  }
  const bool open_loop = pacing();
  if (open_loop) {
    pacer_->stop(at_ns);
    release_arrivals(at_ns - 1, std::max(at_ns, context_.clock.now_ns()));
  }
  flush_dirty();
  generating_ = false;
  drain_deadline_ns_ = at_ns + grace_ns;
  if (open_loop) {
    const std::uint64_t unreleased = batch_share(pacer_->abandon(at_ns) * batch_);
    recorder_.offered(unreleased);
    // The last batch of a limit is smaller than the others.
    const std::uint64_t waiting =
        (batched() ? batches_waiting_ : pacer_->waiting_count()) + unreleased;
    if (waiting != 0) recorder_.not_sent(waiting, kind);
  }
  drop_unissued(kind);
  drop_timers([](const Timer& timer) { return timer.what == Timer::What::think; });
  if (phase_ == Phase::measure) recorder_.begin_phase(Phase::drain, at_ns);
}

template <typename Drop>
void Worker::drop_timers(Drop&& drop) {
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> kept;
  for (; !timers_.empty(); timers_.pop()) {
    const Timer& timer = timers_.top();
    if (drop(timer)) {
      --slots_[timer.slot].reserved;
    } else {
      kept.push(timer);
    }
  }
  timers_ = std::move(kept);
}

// What was drawn and of which no byte went out was not sent. An operation that waits for the
// sending of its second command was: the server knows half of it.
void Worker::drop_unissued(std::uint8_t kind) {
  for (Slot& slot : slots_) {
    InFlightWindow& window = slot.connection->window();
    for (std::size_t k = 0; k < window.unissued(); ++k) {
      InFlight& op = window.unissued_at(k);
      recorder_.ended(sample_of(slot, op, op.continued ? Outcome::lost : Outcome::not_sent, -1),
                      kind);
      if (op.continued) count_unsuccessful();
      --outstanding_;
    }
    slot.connection->drop_unissued();
  }
}

// The grace is over: what is still in flight is lost, and so are its sockets' places in line.
void Worker::lose_in_flight(std::int64_t now_ns) {
  const std::uint8_t kind = recorder_.error_kind(end_kind_);
  for (Slot& slot : slots_) {
    if (slot.connection->window().issued() == 0) continue;
    const bool was_ready = slot.connection->ready();
    slot.connection->close(
        {end_kind_, "operation", "closed with operations in flight at the end of a phase"});
    if (slot.counted_ready) {
      slot.counted_ready = false;
      --ready_;
    }
    abandon_issued(slot, kind, now_ns);
    if (was_ready) timers_.push(Timer{now_ns, index_of(slot), Timer::What::reopen, {}});
  }
  // Operations that wait for a time of their own (think time) end with the phase too.
  drop_timers([&](const Timer& timer) {
    if (timer.what == Timer::What::reopen) return false;
    if (timer.what == Timer::What::go_on) {
      recorder_.ended(sample_of(slots_[timer.slot], timer.operation, Outcome::lost, -1), kind);
      count_unsuccessful();
    }
    return true;
  });
  drop_unissued(kind);
  outstanding_ = 0;
}

void Worker::phase_done(std::int64_t now_ns) {
  // Nobody thinks about an operation of a phase that is over.
  drop_timers([](const Timer& timer) { return timer.what == Timer::What::think; });
  phase_open_ = generating_ = false;
  source_ = Source::none;
  // A phase stays open until the next one begins; what was measured ends here, so that the time
  // spent on asking the server afterwards is no part of it.
  if (phase_ == Phase::measure && drain_deadline_ns_ == kNever)
    recorder_.begin_phase(Phase::drain, std::min(window_end_ns(now_ns), now_ns));
  if (phase_ == Phase::measure) tell_streams(Phase::done);
  if (phase_ == Phase::cleanup || (phase_ == Phase::measure && !context_.plan.config.cleanup)) {
    recorder_.begin_phase(Phase::done, now_ns);
  }
  publish();
  status_.phases_done.fetch_add(1, std::memory_order_release);
  context_.notify();
}

void Worker::end_interval(std::int64_t now_ns) {
  // Arrivals of the interval that ends are offered in it, however late we look.
  if (pacing()) release_arrivals(std::min(recorder_.boundary_ns(), end_ns_) - 1, now_ns);
  std::uint32_t in_flight = 0;
  for (Slot& slot : slots_)
    in_flight += static_cast<std::uint32_t>(slot.connection->window().issued());
  recorder_.gauges().in_flight = in_flight;
  recorder_.gauges().connections = ready_;
  if (source_ == Source::open_loop) {  // a share: the workers' gauges are summed
    if (phase_ == Phase::measure && !context_.plan.rates.empty())
      rate_ = context_.plan.rate_at(recorder_.boundary_ns() - start_ns_ - 1);
    const double share =
        share_.senders == 0 ? 0 : rate_ / static_cast<double>(context_.plan.sending_workers);
    recorder_.gauges().target_rate = paused_ || !generating_ ? 0 : share;
  } else {
    recorder_.gauges().target_rate = std::numeric_limits<double>::quiet_NaN();
  }
  recorder_.advance(now_ns);
}

void Worker::pause(std::int64_t at_ns) {
  if (paused_ || at_ns >= end_ns_) return;
  paused_ = true;
  end_ns_ = kNever;  // paused time is not part of the window: resume() says where it ends
  if (pacing()) pacer_->set_rate(at_ns, 0);
}

void Worker::resume(const Resume& order) {
  if (!paused_) return;
  paused_ = false;
  end_ns_ = order.end_ns;
  if (pacing()) pacer_->set_rate(order.at_ns, rate_ / static_cast<double>(batch_));
  for (Slot& slot : slots_) {
    for (; slot.parked != 0; --slot.parked) {
      if (generating_) next_place(slot, order.at_ns);
    }
  }
}

}  // namespace redisload
