#include "redisload/run/caller.hpp"

#include <algorithm>

namespace redisload {
namespace {

constexpr std::size_t kReceiveBuffer = 64 << 10;
constexpr std::size_t kScratch = 64 << 10;
constexpr std::int64_t kPublishEvery = 10 * kMillisecond;
// A wait for a client cannot be interrupted: orders are looked for at least so often.
constexpr std::int64_t kLongestWait = 100 * kMillisecond;
constexpr std::int64_t kContended = kMillisecond;
constexpr std::int64_t kYield = 200 * kMillisecond;

}  // namespace

Caller::Caller(const RunContext& context, const WorkerShare& share, Recorder& recorder,
               ClientPool& pool, std::int64_t poll_ns)
    : context_(context),
      share_(share),
      recorder_(recorder),
      pool_(pool),
      workload_events_(recorder),
      poll_ns_(poll_ns),
      unit_(context.workload.batch()),
      most_(std::max(unit_, context.plan.config.pipeline)),
      stream_(context.workload.stream(share.worker, context.plan.workers.size(), workload_events_)),
      receive_buffer_(kReceiveBuffer),
      connection_number_(pool.clients().front()->first_connection()),
      rate_(context.plan.first_rate()) {
  const RunPlan& plan = context_.plan;
  const std::size_t in_flight = std::max<std::size_t>(most_, plan.prefill_window);
  pending_.reserve(in_flight);
  waiting_.reserve(in_flight);
  scratch_.reserve(kScratch);
  if (plan.open_loop()) {
    pacer_ = std::make_unique<OpenLoopPacer>(plan.config.arrivals, share_.sending_rank,
                                             std::max(plan.sending_workers, 1U), plan.seed);
  }
  for (const OperationLabel& label : context_.workload.labels())
    wants_parts_ = wants_parts_ || label.wants_parts;
}

void Caller::post(WorkerOrder order) {
  orders_.post(std::move(order));
  poller_.wake();
}

void Caller::run() {
  settle_thread(share_.worker, share_.cpu);
  while (!quit_) turn();
  recorder_.finish(context_.clock.now_ns());
}

void Caller::turn() {
  const std::int64_t now_ns = context_.clock.now_ns();
  if (orders_.waiting()) take_orders(now_ns);
  if (now_ns >= recorder_.boundary_ns()) end_interval(now_ns);
  if (now_ns >= next_publish_ns_) publish(now_ns);
  if (phase_open_) advance_phase(now_ns);
  if (quit_) return;
  switch (state_) {
    case State::idle:
      return rest(now_ns);
    case State::opening:
      return open_clients(now_ns);
    case State::asking:
      return ask(now_ns);
    case State::joining:
      return join(now_ns);
    case State::sending:
      return exchange(now_ns);
  }
}

// Until an order, or the next operation.
void Caller::rest(std::int64_t now_ns) {
  if (draw(now_ns)) {
    state_ = State::asking;
    asked_ns_ = now_ns;
    answered_all_ = true;
    return ask(now_ns);
  }
  std::int64_t until_ns = next_wake_ns(now_ns);
  if (source_ == Source::closed_loop && generating_ && !paused_ && budget_ != 0)
    until_ns = std::min(until_ns, next_ns_);
  const std::int64_t arrival_ns = pacing() ? pacer_->next_release_ns() : kNever;
  const std::int64_t spin_ns = now_ns < spin_again_ns_ ? 0 : poll_ns_;
  if (spin_ns == 0 || arrival_ns == kNever || arrival_ns - now_ns > spin_ns) {
    until_ns = std::min(until_ns, arrival_ns == kNever ? kNever : arrival_ns - spin_ns);
    poller_.clear();
    return poller_.wait(until_ns - now_ns);
  }
  // A sleep would end tens of microseconds late: look at the clock again and again instead, but not
  // where others want this processor (see Worker::polled_in_vain).
  std::int64_t then_ns = now_ns;
  while (then_ns < arrival_ns && !orders_.waiting()) {
    const std::int64_t before_ns = then_ns;
    then_ns = context_.clock.now_ns();
    if (then_ns - before_ns < kContended) continue;
    const long preemptions = thread_preemptions();
    if (preemptions != preemptions_) spin_again_ns_ = then_ns + kYield;
    preemptions_ = preemptions;
  }
  spun_ns_ += std::min(then_ns, arrival_ns) - now_ns;
}

void Caller::ask(std::int64_t now_ns) {
  const std::int64_t wake_ns = next_wake_ns(now_ns);
  const std::int64_t deadline_ns = pool_deadline_ns();
  client_ = pool_.take(now_ns, asked_ns_);
  if (client_ == nullptr) {
    if (ended_ != published_) publish(now_ns);
    client_ = pool_.take(std::min(next_wake_ns(now_ns), deadline_ns), asked_ns_);
  }
  const std::int64_t then_ns = context_.clock.now_ns();
  if (client_ == nullptr) {
    if (then_ns >= deadline_ns) {
      recorder_.pool_wait(then_ns - asked_ns_);
      give_up(then_ns);
    }
    return;
  }
  recorder_.pool_wait(then_ns - asked_ns_);
  state_ = State::joining;
  if (then_ns < wake_ns && !orders_.waiting()) join(then_ns);
}

// Operations on the connection that it has, or that it gets.
void Caller::join(std::int64_t now_ns) {
  if (Client::Place* place = find_connection(now_ns)) return use(*place, now_ns);
  if (now_ns >= pool_deadline_ns()) return give_up(now_ns);
  poller_.clear();
  watch_unsettled(*client_);
  const std::int64_t until_ns =
      std::min({next_wake_ns(now_ns), pool_deadline_ns(), client_->due_ns(now_ns)});
  poller_.wait(until_ns - now_ns);
}

void Caller::use(Client::Place& place, std::int64_t now_ns) {
  place_ = &place;
  connection_number_ = place.connection->number();
  InFlightWindow& window = place.connection->window();
  for (const InFlight& op : pending_) window.push() = op;
  pending_.clear();
  state_ = State::sending;
  exchange(now_ns);
}

void Caller::exchange(std::int64_t now_ns) {
  Connection& connection = *place_->connection;
  for (std::size_t i = 0; i < waiting_.size();) {
    if (waiting_[i].at_ns > now_ns) {
      ++i;
      continue;
    }
    connection.window().push() = waiting_[i].operation;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (!connection.window().all_encoded() && !connection.flush(*this, scratch_, context_.clock)) {
    return became_broken(*place_, context_.clock.now_ns());
  }
  if (now_ns >= expiry_ns()) sweep_timeouts(now_ns);
  if (state_ == State::sending && outstanding_ != 0) await_replies(now_ns);
  end_if_over();
}

void Caller::await_replies(std::int64_t now_ns) {
  Connection& connection = *place_->connection;
  std::int64_t until_ns = std::min(next_wake_ns(now_ns), expiry_ns());
  for (const Waiting& one : waiting_) until_ns = std::min(until_ns, one.at_ns);
  poller_.clear();
  poller_.watch(connection.descriptor(), connection.write_blocked());
  poller_.wait(until_ns - now_ns);
  bool alive = true;
  if (connection.write_blocked() && poller_.writable(0))
    alive = connection.flush(*this, scratch_, context_.clock);
  if (alive && poller_.readable(0))
    alive = connection.receive(*this, receive_buffer_, context_.clock, poller_.hung_up(0));
  if (!alive) became_broken(*place_, context_.clock.now_ns());
}

// All of the batch have ended: another thread may have the client.
void Caller::end_if_over() {
  if (state_ != State::sending || outstanding_ != 0) return;
  if (batched() && answered_all_) workload_events_.series(0, last_end_ns_ - batch_ns_);
  release_client(last_end_ns_);
}

void Caller::release_client(std::int64_t now_ns) {
  if (place_ != nullptr) {
    place_->used_ns = now_ns;
    if (!place_->connection->window().empty()) client_->set_settled(false);
  }
  place_ = nullptr;
  if (client_ != nullptr) pool_.give_back(*client_);
  client_ = nullptr;
  state_ = State::idle;
  free_since_ns_ = now_ns;
  next_ns_ = now_ns + (source_ == Source::closed_loop ? think_now(now_ns) : 0);
}

// No client, or no connection of it, in time.
void Caller::give_up(std::int64_t now_ns) {
  drop_unsent(recorder_.error_kind("timeout.pool"));
  last_end_ns_ = now_ns;
  release_client(now_ns);
}

std::int64_t Caller::next_wake_ns(std::int64_t now_ns) const noexcept {
  std::int64_t at_ns = std::min(recorder_.boundary_ns(), now_ns + kLongestWait);
  if (ended_ != published_) at_ns = std::min(at_ns, next_publish_ns_);
  if (phase_open_ && phase_ != Phase::connect)
    at_ns = std::min(
        {at_ns, started_ ? kNever : start_ns_, generating_ ? end_ns_ : drain_deadline_ns_});
  return at_ns;
}

// Prefill and cleanup wait as long as it takes: a key that is not written makes every read miss.
std::int64_t Caller::pool_deadline_ns() const noexcept {
  return source_ == Source::indexed ? kNever
                                    : asked_ns_ + context_.plan.config.timeouts.pool.count();
}

void Caller::publish(std::int64_t now_ns) {
  constexpr auto relaxed = std::memory_order_relaxed;
  next_publish_ns_ = now_ns + kPublishEvery;
  published_ = ended_;
  status_.issued.store(issued_, relaxed);
  status_.unsuccessful.store(unsuccessful_, relaxed);
  status_.answered.store(answered_, relaxed);
  status_.phase_succeeded.store(phase_succeeded_, relaxed);
  status_.waiting.store(pacing() ? pacer_->waiting_count() : 0, relaxed);
  status_.last_answer_ns.store(last_answer_ns_, relaxed);
  status_.last_end_ns.store(last_end_ns_, relaxed);
  status_.busy_ns.store(std::max<std::int64_t>(0, thread_cpu_ns() - spun_ns_), relaxed);
  if (share_.place_in_pool == 0)
    status_.ready.store(static_cast<std::uint32_t>(pool_.ready()), relaxed);
}

}  // namespace redisload
