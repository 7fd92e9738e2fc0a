// What a caller draws and when, and when phases end.
#include <algorithm>
#include <limits>

#include "redisload/run/caller.hpp"

namespace redisload {

void Caller::take_orders(std::int64_t now_ns) {
  for (const WorkerOrder& order : orders_.take()) {
    if (const auto* begin = std::get_if<BeginPhase>(&order)) begin_phase(*begin);
    if (const auto* end = std::get_if<EndPhase>(&order); end != nullptr && phase_open_) {
      if (phase_ == Phase::connect) continue;  // there is nothing to drain
      if (generating_ || !started_) {
        close_window(std::min(end->at_ns, now_ns), end->grace_ns, end->error_kind);
      } else {
        drain_deadline_ns_ = std::min(drain_deadline_ns_, end->at_ns + end->grace_ns);
      }
    }
    if (const auto* rate = std::get_if<SetRate>(&order)) {
      rate_ = rate->rate;
      if (pacing() && !paused_)
        pacer_->set_rate(rate->from_ns, rate->rate / static_cast<double>(unit_));
    }
    if (const auto* pause_order = std::get_if<Pause>(&order)) pause(pause_order->at_ns);
    if (const auto* resume_order = std::get_if<Resume>(&order)) resume(*resume_order);
    if (std::holds_alternative<Quit>(order)) quit_ = true;
  }
}

void Caller::begin_phase(const BeginPhase& order) {
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
  source_ = Source::none;
  if (phase_ == Phase::connect) {
    started_ = true;
    state_ = State::opening;
  }
}

// From now on operations may begin; the first is due at the phase's start.
void Caller::start_operations(std::int64_t start_ns) {
  const RunPlan& plan = context_.plan;
  const Workload& workload = context_.workload;
  started_ = generating_ = true;
  recorder_.begin_phase(phase_, start_ns);
  next_ns_ = free_since_ns_ = start_ns;
  budget_ = UINT64_MAX;
  if (phase_ == Phase::prefill || phase_ == Phase::cleanup) {
    source_ = Source::indexed;
    const std::uint64_t total =
        phase_ == Phase::prefill ? workload.prefill_count() : workload.cleanup_count();
    index_next_ = share_.worker;
    index_left_ = share_of(total, share_.worker, plan.workers.size());
    index_again_.clear();
  } else if (plan.open_loop()) {
    source_ = Source::open_loop;
    start_arrivals(start_ns);
  } else {
    source_ = Source::closed_loop;
    if (phase_ == Phase::measure && plan.config.operations)
      budget_ = share_of(*plan.config.operations, share_.worker, plan.workers.size());
  }
}

void Caller::start_arrivals(std::int64_t start_ns) {
  const RunPlan& plan = context_.plan;
  const auto unit = static_cast<double>(unit_);
  const bool limited = phase_ == Phase::measure && share_.arrivals.has_value();
  arrivals_left_ = limited ? share_.arrivals.value_or(0) : UINT64_MAX;
  const std::uint64_t units = arrivals_left_ / unit_ + (arrivals_left_ % unit_ != 0 ? 1 : 0);
  const bool scenario = phase_ == Phase::measure && !plan.rates.empty();
  if (scenario) rate_ = plan.first_rate();
  pacer_->start(start_ns, rate_ / unit, limited ? units : OpenLoopPacer::kNoBudget);
  if (paused_) pacer_->set_rate(start_ns, 0);  // before it began
  if (scenario) pacer_->follow(start_ns, plan.rates, 1.0 / unit);
}

void Caller::advance_phase(std::int64_t now_ns) {
  if (phase_ == Phase::connect) return;  // open_clients() says when
  if (!started_ && drain_deadline_ns_ == kNever) {
    if (now_ns < start_ns_) return;
    start_operations(start_ns_);
  }
  if (generating_) {
    if (source_ == Source::open_loop)
      release_arrivals(std::min(now_ns, end_ns_ == kNever ? now_ns : end_ns_ - 1), now_ns);
    if (now_ns >= end_ns_) {
      close_window(end_ns_, grace_ns_, end_kind_);
    } else if (outstanding_ == 0 && exhausted()) {
      phase_done(now_ns);
    }
    return;
  }
  if (outstanding_ != 0 && now_ns >= drain_deadline_ns_) lose_in_flight(now_ns);
  if (outstanding_ == 0 && (stream_->settled(now_ns) || now_ns >= drain_deadline_ns_))
    phase_done(now_ns);
}

// Whether the phase's share of operations has all been drawn.
bool Caller::exhausted() {
  switch (source_) {
    case Source::closed_loop:
      return budget_ == 0;
    case Source::open_loop:
      return pacer_->next_release_ns() == kNever && !pacer_->waiting() &&
             share_.arrivals.has_value() && !paused_;
    case Source::indexed:
      return index_left_ == 0 && index_again_.empty();
    default:
      return true;
  }
}

void Caller::close_window(std::int64_t at_ns, std::int64_t grace_ns,
                          const std::string& error_kind) {
  end_kind_ = error_kind;
  const std::uint8_t kind = recorder_.error_kind(error_kind);
  if (!started_) {  // ended before it began
    recorder_.begin_phase(phase_, at_ns);
    started_ = true;
  }
  if (pacing()) {
    pacer_->stop(at_ns);
    release_arrivals(at_ns - 1, std::max(at_ns, context_.clock.now_ns()));
    std::uint64_t waiting = pacer_->waiting_count() * unit_;
    if (waiting != 0 && arrivals_left_ == 0)  // the last batch of a limit may be a smaller one
      waiting -= pacer_->budget() * unit_ - *share_.arrivals;
    const std::uint64_t unreleased = std::min(pacer_->abandon(at_ns) * unit_, arrivals_left_);
    recorder_.offered(unreleased);
    waiting += unreleased;
    if (waiting != 0) recorder_.not_sent(waiting, kind);
  }
  generating_ = false;
  drain_deadline_ns_ = at_ns + grace_ns;
  drop_unsent(kind);
  if (outstanding_ == 0 && state_ != State::idle) release_client(at_ns);
  if (phase_ == Phase::measure) recorder_.begin_phase(Phase::drain, at_ns);
}

// What was drawn and of which no byte went out was not sent. An operation that waits for the
// sending of its second command was: the server knows half of it.
void Caller::drop_unsent(std::uint8_t kind) {
  const std::int64_t now_ns = context_.clock.now_ns();
  for (const InFlight& op : pending_) end_unanswered(op, Outcome::not_sent, kind, now_ns);
  pending_.clear();
  if (state_ != State::sending) return;
  InFlightWindow& window = place_->connection->window();
  for (std::size_t k = 0; k < window.unissued(); ++k) {
    const InFlight& op = window.unissued_at(k);
    end_unanswered(op, op.continued ? Outcome::lost : Outcome::not_sent, kind, now_ns);
  }
  place_->connection->drop_unissued();
}

// The grace is over: what is still in flight is lost, and so is its socket's place in line.
void Caller::lose_in_flight(std::int64_t now_ns) {
  const std::uint8_t kind = recorder_.error_kind(end_kind_);
  drop_unsent(kind);
  if (state_ == State::sending) {
    Client::Place& place = *place_;
    place.connection->close(
        {end_kind_, "operation", "closed with operations in flight at the end of a phase"});
    pool_.count_ready(place.stood ? -1 : 0);
    place.stood = false;
    place.reopen_ns = now_ns;
    client_->set_settled(false);
    abandon_operations(kind, now_ns);
  }
}

void Caller::phase_done(std::int64_t now_ns) {
  phase_open_ = generating_ = false;
  source_ = Source::none;
  // A phase stays open until the next one begins; what was measured ends here, so that the time
  // spent on asking the server afterwards is no part of it.
  if (phase_ == Phase::measure && drain_deadline_ns_ == kNever)
    recorder_.begin_phase(Phase::drain, last_end_ns_ <= start_ns_ ? now_ns : last_end_ns_);
  if (phase_ == Phase::cleanup || (phase_ == Phase::measure && !context_.plan.config.cleanup))
    recorder_.begin_phase(Phase::done, now_ns);
  publish(now_ns);
  status_.phases_done.fetch_add(1, std::memory_order_release);
  context_.notify();
}

void Caller::end_interval(std::int64_t now_ns) {
  // Arrivals of the interval that ends are offered in it, however late we look.
  if (pacing()) release_arrivals(std::min(recorder_.boundary_ns(), end_ns_) - 1, now_ns);
  Gauges& gauges = recorder_.gauges();
  gauges.in_flight = place_ == nullptr ? 0 : place_->connection->window().issued();
  // Of the whole pool, told by one of its threads: the workers' gauges are summed.
  gauges.connections = share_.place_in_pool == 0
                           ? static_cast<std::uint64_t>(std::max<std::int64_t>(pool_.ready(), 0))
                           : 0;
  if (source_ == Source::open_loop) {
    const RunPlan& plan = context_.plan;
    if (phase_ == Phase::measure && !plan.rates.empty())
      rate_ = plan.rate_at(recorder_.boundary_ns() - start_ns_ - 1);
    gauges.target_rate =
        paused_ || !generating_ ? 0 : rate_ / static_cast<double>(plan.sending_workers);
  } else {
    gauges.target_rate = std::numeric_limits<double>::quiet_NaN();
  }
  recorder_.advance(now_ns);
}

// A thread that waits for its client or its reply is not late: what becomes due meanwhile waits in
// its line, and that is response time.
void Caller::release_arrivals(std::int64_t until_ns, std::int64_t now_ns) {
  const std::int64_t able_ns = state_ == State::idle ? free_since_ns_ : now_ns;
  pacer_->release(until_ns, [&](std::int64_t intended_ns) {
    const std::uint64_t together = std::min(unit_, arrivals_left_);
    arrivals_left_ -= arrivals_left_ == UINT64_MAX ? 0 : together;
    recorder_.offered(together);
    recorder_.lateness(std::max<std::int64_t>(0, now_ns - std::max(intended_ns, able_ns)));
  });
}

void Caller::pause(std::int64_t at_ns) {
  if (paused_ || at_ns >= end_ns_) return;
  paused_ = true;
  end_ns_ = kNever;  // paused time is not part of the window: resume() says where it ends
  if (pacing()) pacer_->set_rate(at_ns, 0);
}

void Caller::resume(const Resume& order) {
  if (!paused_) return;
  paused_ = false;
  end_ns_ = order.end_ns;
  if (pacing()) pacer_->set_rate(order.at_ns, rate_ / static_cast<double>(unit_));
  next_ns_ = std::max(next_ns_, order.at_ns);
}

// --- drawing -----------------------------------------------------------------------

// Whether there are operations now; they are pending then.
bool Caller::draw(std::int64_t now_ns) {
  if (!generating_) return false;
  switch (source_) {
    case Source::closed_loop:
      return draw_closed(now_ns);
    case Source::open_loop:
      return draw_open();
    case Source::indexed:
      return draw_indexed(now_ns);
    default:
      return false;
  }
}

bool Caller::draw_closed(std::int64_t now_ns) {
  if (paused_ || now_ns < next_ns_ || budget_ == 0 || next_ns_ >= end_ns_) return false;
  const std::uint64_t together = std::min(most_, budget_);
  if (budget_ != UINT64_MAX) budget_ -= together;
  recorder_.offered(together);
  batch_ns_ = next_ns_;
  for (std::uint64_t k = 0; k < together; ++k) add(stream_->next(), next_ns_);
  return true;
}

// One arrival, which is a batch of a batched workload; or as many as wait and fit in the pipeline.
bool Caller::draw_open() {
  while (pacer_->waiting() && (unit_ > 1 ? pending_.empty() : pending_.size() < most_)) {
    batch_ns_ = pacer_->take();
    std::uint64_t together = unit_;
    if (share_.arrivals && pacer_->taken_count() == pacer_->budget())  // the last one of a limit
      together = *share_.arrivals - (pacer_->budget() - 1) * unit_;
    for (std::uint64_t k = 0; k < together; ++k) add(stream_->next(), batch_ns_);
  }
  return !pending_.empty();
}

bool Caller::draw_indexed(std::int64_t now_ns) {
  const Workload& workload = context_.workload;
  while (pending_.size() < context_.plan.prefill_window) {
    std::uint64_t index = 0;
    if (!index_again_.empty()) {
      index = index_again_.back();
      index_again_.pop_back();
    } else if (index_left_ != 0) {
      index = index_next_;
      index_next_ += context_.plan.workers.size();
      --index_left_;
    } else {
      break;
    }
    recorder_.offered(1);
    add(phase_ == Phase::prefill ? workload.prefill(index) : workload.cleanup(index),
        pending_.empty() ? std::min(now_ns, std::max(free_since_ns_, start_ns_))
                         : pending_.front().intended_ns)
        .index = index;
  }
  return !pending_.empty();
}

InFlight& Caller::add(const OperationRequest& request, std::int64_t intended_ns) {
  InFlight& op = pending_.emplace_back();
  op.request = request;
  op.intended_ns = intended_ns;
  op.phase = phase_;
  if (source_ != Source::indexed)
    op.composite = context_.workload.labels()[request.label].command.empty();
  ++outstanding_;
  return op;
}

std::int64_t Caller::think_now(std::int64_t now_ns) {
  const RunPlan& plan = context_.plan;
  const auto& steps = plan.thinks;
  if (phase_ != Phase::measure || steps.empty()) return plan.config.think.count();
  while (think_step_ + 1 < steps.size() && now_ns - start_ns_ >= steps[think_step_ + 1].offset_ns)
    ++think_step_;
  return steps[think_step_].think_ns;
}

}  // namespace redisload
