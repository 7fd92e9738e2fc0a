#include "redisload/run/worker.hpp"

#include <algorithm>

namespace redisload {
namespace {

constexpr std::size_t kReceiveBuffer = 64 << 10;
constexpr std::size_t kScratch = 64 << 10;
constexpr std::int64_t kLongestSweep = 10 * kMillisecond;
constexpr std::int64_t kInterrupted = kMillisecond / 100;
constexpr std::int64_t kContended = kMillisecond;
constexpr std::int64_t kYield = 200 * kMillisecond;

}  // namespace

Worker::Worker(const RunContext& context, const WorkerShare& share, Recorder& recorder,
               std::int64_t poll_ns)
    : context_(context),
      share_(share),
      recorder_(recorder),
      workload_events_(recorder),
      poll_ns_(poll_ns),
      batch_(context.workload.batch()),
      think_ns_(context.plan.config.think.count()),
      slots_(share.connections),
      free_(share.connections),
      receive_buffer_(kReceiveBuffer),
      sweep_every_ns_(std::clamp<std::int64_t>(context.plan.config.timeouts.response.count() / 20,
                                               kMillisecond / 10, kLongestSweep)),
      rate_(context.plan.first_rate()) {
  // Grown here rather than by the first burst.
  dirty_.reserve(slots_.size());
  scratch_.reserve(kScratch);
  const RunPlan& plan = context_.plan;
  if (plan.open_loop()) {
    pacer_ = std::make_unique<OpenLoopPacer>(plan.config.arrivals, share_.sending_rank,
                                             std::max(plan.sending_workers, 1U), plan.seed);
  }
  for (const OperationLabel& label : context_.workload.labels())
    wants_parts_ = wants_parts_ || label.wants_parts;
  for (std::uint32_t i = 0; i < share_.connections; ++i) {
    const std::uint32_t number = share_.first_connection + i;
    Slot& slot = slots_[i];
    slot.stream = context_.workload.stream(number, plan.connections, workload_events_);
    slot.sends = context_.workload.sends(number, plan.connections);
    Handshake handshake =
        make_handshake(plan.config.target, load_connection_name(plan, share_.worker, number),
                       context_.workload.protocol());
    for (const auto& subscription : slot.stream->subscriptions())
      append_subscription(handshake, subscription.words, subscription.confirmations);
    slot.connection = std::make_unique<Connection>(
        number, context_.setup, std::move(handshake), std::make_unique<PlainTransport>(),
        Random::stream(plan.seed, StreamPurpose::backoff, number));
    slot.connection->set_pushes(slot.stream->pushes());
  }
}

void Worker::post(WorkerOrder order) {
  orders_.post(std::move(order));
  loop_.wake();
}

void Worker::run() {
  settle_thread(share_.worker, share_.cpu);
  while (!quit_) turn();
  recorder_.finish(context_.clock.now_ns());
  for (Slot& slot : slots_) slot.connection->close({});
}

void Worker::turn() {
  const std::int64_t now_ns = context_.clock.now_ns();
  if (orders_.waiting()) take_orders(now_ns);
  if (now_ns >= recorder_.boundary_ns()) end_interval(now_ns);
  if (!timers_.empty() && timers_.top().at_ns <= now_ns) run_timers(now_ns);
  if (now_ns >= next_sweep_ns_) sweep(now_ns);
  if (phase_open_) advance_phase(now_ns);
#ifdef REDISLOAD_SWITCHED_SAMPLING
  if (phase_ == Phase::measure && switched_sampling_.turn(now_ns, answered_)) {
    recorder_.set_sampling(SwitchedSampling::on().load());
  }
#endif
  flush_dirty();
  if (quit_) return;

  // Sleeping starts an operation tens of microseconds late: when the next arrival is near, look
  // again and again instead. Polling that finds nothing is idle time.
  std::int64_t sleep_ns = next_wake_ns() - now_ns;
  const std::int64_t arrival_ns = pacing() ? pacer_->next_release_ns() : kNever;
  const std::int64_t poll_ns = now_ns < poll_again_ns_ ? 0 : poll_ns_;
  const bool poll = poll_ns != 0 && arrival_ns != kNever && arrival_ns - now_ns <= poll_ns;
  if (arrival_ns != kNever) sleep_ns = std::min(sleep_ns, arrival_ns - now_ns - poll_ns);
  const auto ready = loop_.wait(poll ? 0 : std::max<std::int64_t>(sleep_ns, 0));
  for (const Readiness& one : ready) handle(one);
  if (poll && ready.empty()) polled_in_vain(now_ns, context_.clock.now_ns());
}

// A turn that finds nothing takes about a microsecond. One that took much longer was interrupted,
// and that was not our time. Where others want this processor, who polls uses up its share and is
// kept waiting when an operation is due, while who sleeps is let in when it wakes: sleep for a
// while then.
void Worker::polled_in_vain(std::int64_t from_ns, std::int64_t to_ns) noexcept {
  if (to_ns - from_ns < kInterrupted) polled_ns_ += to_ns - from_ns;
  if (to_ns - from_ns < kContended) return;
  const long preemptions = thread_preemptions();
  if (preemptions != preemptions_)
    poll_again_ns_ = to_ns + kYield;  // else the host took the processor
  preemptions_ = preemptions;
}

std::int64_t Worker::next_wake_ns() const {
  std::int64_t at_ns = std::min(recorder_.boundary_ns(), next_sweep_ns_);
  if (!timers_.empty()) at_ns = std::min(at_ns, timers_.top().at_ns);
  if (phase_open_)
    at_ns = std::min(
        {at_ns, started_ ? kNever : start_ns_, generating_ ? end_ns_ : drain_deadline_ns_});
  return at_ns;
}

void Worker::take_orders(std::int64_t now_ns) {
  for (const WorkerOrder& order : orders_.take()) {
    if (const auto* begin = std::get_if<BeginPhase>(&order)) begin_phase(*begin);
    if (const auto* end = std::get_if<EndPhase>(&order); end != nullptr && phase_open_) {
      if (generating_ || !started_) {
        close_window(std::min(end->at_ns, now_ns), end->grace_ns, end->error_kind);
      } else {
        drain_deadline_ns_ = std::min(drain_deadline_ns_, end->at_ns + end->grace_ns);
      }
    }
    if (const auto* rate = std::get_if<SetRate>(&order)) {
      rate_ = rate->rate;
      if (pacing() && !paused_)
        pacer_->set_rate(rate->from_ns, rate->rate / static_cast<double>(batch_));
    }
    if (const auto* pause_order = std::get_if<Pause>(&order)) pause(pause_order->at_ns);
    if (const auto* resume_order = std::get_if<Resume>(&order)) resume(*resume_order);
    if (std::holds_alternative<Quit>(order)) quit_ = true;
  }
}

void Worker::run_timers(std::int64_t now_ns) {
  while (!timers_.empty() && timers_.top().at_ns <= now_ns) {
    const Timer timer = timers_.top();
    timers_.pop();
    Slot& slot = slots_[timer.slot];
    switch (timer.what) {
      case Timer::What::reopen:
        if (slot.connection->state() == Connection::State::closed) to_open_.push_back(timer.slot);
        break;
      case Timer::What::go_on:
        --slot.reserved;
        slot.connection->window().push() = timer.operation;
        mark_dirty(slot);
        break;
      case Timer::What::think:
        --slot.reserved;
        if (generating_ && timer.at_ns < end_ns_) next_place(slot, timer.at_ns);
        break;
    }
  }
  open_some(now_ns);
}

void Worker::handle(const Readiness& ready) {
  Slot& slot = slots_[ready.token];
  Connection& connection = *slot.connection;
  if (connection.state() == Connection::State::closed) return;
  if (!connection.ready()) {
    const bool alive = connection.progress(receive_buffer_, context_.clock);
    if (!alive) return became_broken(slot, context_.clock.now_ns());
    if (!connection.ready()) return;
    became_ready(slot, context_.clock.now_ns());
    // Messages may stand behind a subscription's confirmation, and no new edge tells of them.
    if (!ready.hung_up && slot.sends) return;
  }
  if (connection.write_blocked() && ready.writable) mark_dirty(slot);
  if (!connection.receive(*this, receive_buffer_, context_.clock, ready.hung_up)) {
    became_broken(slot, context_.clock.now_ns());
  }
}

void Worker::mark_dirty(Slot& slot) {
  if (slot.dirty || !slot.connection->ready()) return;
  slot.dirty = true;
  dirty_.push_back(index_of(slot));
}

void Worker::flush_dirty() {
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    Slot& slot = slots_[dirty_[i]];
    slot.dirty = false;
    if (!slot.connection->ready()) continue;
    if (!slot.connection->flush(*this, scratch_, context_.clock))
      became_broken(slot, context_.clock.now_ns());
  }
  dirty_.clear();
}

void Worker::encode(Connection& connection, InFlight& op, OutputBuffer& out) {
  const Workload& workload = context_.workload;
  int replies = 0;
  if (op.phase == Phase::prefill) {
    replies = workload.encode_prefill(op.request, out);
  } else if (op.phase == Phase::cleanup) {
    replies = workload.encode_cleanup(op.request, out);
  } else {
    replies = slot_of(connection).stream->encode(op.request, out);
  }
  op.replies_left = static_cast<std::uint16_t>(replies);
}

ReplySink* Worker::parts_of(Connection& connection, const InFlight& op) {
  if (op.phase == Phase::prefill || op.phase == Phase::cleanup) return nullptr;
  if (!context_.workload.labels()[op.request.label].wants_parts) return nullptr;
  return slot_of(connection).stream->parts(op.request);
}

void Worker::on_sent(Connection& connection, InFlight& op) {
  if (op.composite) [[unlikely]]
    slot_of(connection).stream->sent(op.request);
  if (op.continued) [[unlikely]] {
    recorder_.sent_further(recorded_label(op), op.bytes_sent);
    return;
  }
  if (op.attempts == 0) op.first_sent_ns = op.sent_ns;
  recorder_.sent(recorded_label(op), ++op.attempts == 1, op.bytes_sent);
  if (op.phase == Phase::measure) ++issued_;
}

void Worker::on_reply(Connection& connection, InFlight& op, const Reply& reply, std::size_t bytes,
                      std::int64_t now_ns) {
  if (answered_++ == 0) context_.events.set_answered();
  last_answer_ns_ = now_ns;
  op.bytes_received += static_cast<std::uint32_t>(bytes);
  ReplyMeaning meaning;
  if (op.phase == Phase::cleanup) {
    meaning.failed = reply.is_error();
  } else if (op.phase == Phase::prefill) {
    meaning.failed = context_.workload.prefill_failed(reply);
  } else {
    meaning = slot_of(connection).stream->read(op.request, reply);
  }
  op.hits += meaning.hits;
  op.misses += meaning.misses;
  if (meaning.failed && !op.failed) [[unlikely]] {
    op.failed = true;
    op.error_kind = reply_error_kind(
        recorder_, reply.is_error() ? reply.text : slot_of(connection).stream->error());
  }
  if (--op.replies_left == 0) finish_operation(slot_of(connection), op, now_ns);
}

void Worker::finish_operation(Slot& slot, InFlight& op, std::int64_t now_ns) {
  const Outcome outcome = op.failed ? Outcome::failed : Outcome::succeeded;
  const bool expired = op.expired;
  if (!expired && (op.phase == Phase::measure || op.phase == Phase::warmup)) {
    const NextStep next = slot.stream->after(op.request, outcome, now_ns);
    if (next.kind != NextStep::Kind::done) [[unlikely]]
      return go_on(slot, op, next);
  }
  if (expired) [[unlikely]] {
    recorder_.late_reply(recorded_label(op), op.bytes_received);
  } else if (op.failed) [[unlikely]] {
    recorder_.failed_reply(sample_of(slot, op, outcome, now_ns), op.error_kind);
    count_unsuccessful();
  } else {
    recorder_.succeeded(sample_of(slot, op, outcome, now_ns), op.hits, op.misses);
    ++phase_succeeded_;
  }
  slot.connection->window().pop();
  if (!expired) {
    --outstanding_;
    last_end_ns_ = now_ns;
  }
  slot_freed(slot, now_ns);
}

// Its next command takes the place that it has; so it does while it waits.
void Worker::go_on(Slot& slot, const InFlight& op, const NextStep& next) {
  InFlight again = op;
  again.failed = false;
  again.continued = true;
  InFlightWindow& window = slot.connection->window();
  window.pop();
  if (next.kind == NextStep::Kind::wait_until) {
    ++slot.reserved;
    timers_.push(Timer{next.until_ns, index_of(slot), Timer::What::go_on, again});
  } else {
    window.push() = again;
    mark_dirty(slot);
  }
}

std::vector<const OperationStream*> Worker::streams() const {
  std::vector<const OperationStream*> all;
  for (const Slot& slot : slots_) all.push_back(slot.stream.get());
  return all;
}

void Worker::count_unsuccessful() noexcept {
  if (phase_ == Phase::measure) ++unsuccessful_;
}

void Worker::publish() {
  constexpr auto relaxed = std::memory_order_relaxed;
  status_.ready.store(ready_, relaxed);
  status_.issued.store(issued_, relaxed);
  status_.unsuccessful.store(unsuccessful_, relaxed);
  status_.answered.store(answered_, relaxed);
  status_.phase_succeeded.store(phase_succeeded_, relaxed);
  status_.waiting.store(pacing() ? pacer_->waiting_count() : 0, relaxed);
  status_.last_answer_ns.store(last_answer_ns_, relaxed);
  status_.last_end_ns.store(last_end_ns_, relaxed);
  status_.busy_ns.store(std::max<std::int64_t>(0, thread_cpu_ns() - polled_ns_), relaxed);
}

}  // namespace redisload
