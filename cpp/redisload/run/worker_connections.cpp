// Connections of a worker: opened a few at a time, reopened with backoff, timed out.
#include <algorithm>

#include "redisload/run/worker.hpp"

namespace redisload {
namespace {

constexpr std::uint32_t kMostOpening =
    128;  // of the whole run, so that an accept queue is not flooded

}  // namespace

void Worker::open_some(std::int64_t now_ns) {
  // A connection that breaks at once comes here again: the loop below goes on with the next one.
  if (opening_some_) return;
  opening_some_ = true;
  const auto most = std::max<std::uint32_t>(
      1, kMostOpening / static_cast<std::uint32_t>(context_.plan.workers.size()));
  while (!to_open_.empty() && opening_ < most) {
    Slot& slot = slots_[to_open_.back()];
    to_open_.pop_back();
    open(slot, now_ns);
  }
  opening_some_ = false;
}

void Worker::open(Slot& slot, std::int64_t now_ns) {
  Connection& connection = *slot.connection;
  ++opening_;
  if (!connection.open(now_ns)) return became_broken(slot, now_ns);
  loop_.add(connection.descriptor(), index_of(slot));
}

void Worker::became_ready(Slot& slot, std::int64_t now_ns) {
  Connection& connection = *slot.connection;
  --opening_;
  ++ready_;
  slot.counted_ready = true;
  count_handshake(connection, control_commands_);
  recorder_.connect_time(now_ns - connection.opened_ns());
  context_.events.add({now_ns, slot.opened_before ? "reconnect" : "connect", connection.number(),
                       connection.address()});
  slot.opened_before = true;
  slot.stream->connected(now_ns);
  mark_dirty(slot);
  if (source_ == Source::open_loop && generating_ && has_room(slot)) free_.add(index_of(slot));
  open_some(now_ns);
}

void Worker::became_broken(Slot& slot, std::int64_t now_ns) {
  Connection& connection = *slot.connection;
  const Fault fault = connection.fault();
  const bool was_ready = slot.counted_ready;
  if (was_ready) {
    slot.counted_ready = false;
    --ready_;
    slot.stream->disconnected(now_ns);
  } else {
    --opening_;
    count_handshake(connection, control_commands_);
  }
  // A name with several addresses refuses us when none of them took us.
  const bool next_address = connection.has_untried_address();
  if (!context_.events.answered() && !next_address) {
    context_.events.refuse(fault);
    context_.notify();
  }
  const std::uint8_t kind = recorder_.error_kind(fault.kind);
  const bool held_operations = connection.window().issued() != 0;
  if (!held_operations) recorder_.connection_fault(kind);
  context_.events.add({now_ns, was_ready ? "disconnect" : "connect_failed", connection.number(),
                       fault.kind + ": " + fault.message});
  const std::int64_t wait_ns = next_address ? 0 : connection.backoff().next().count();
  timers_.push(Timer{now_ns + wait_ns, index_of(slot), Timer::What::reopen, {}});
  abandon_issued(slot, kind, now_ns);
  open_some(now_ns);
}

// The operations that went with their socket: lost, or failed where the server cannot have run
// them.
void Worker::abandon_issued(Slot& slot, std::uint8_t kind, std::int64_t now_ns) {
  Connection& connection = *slot.connection;
  InFlightWindow& window = connection.window();
  const std::size_t freed = window.issued();
  for (std::size_t k = 0; k < freed; ++k) {
    InFlight& op = window.issued_at(k);
    if (op.phase == Phase::prefill || op.phase == Phase::cleanup) index_again_.push_back(op.index);
    if (op.expired) continue;
    const Outcome outcome = connection.wholly_written(op) ? Outcome::lost : Outcome::failed;
    recorder_.ended(sample_of(slot, op, outcome, -1), kind);
    count_unsuccessful();
    --outstanding_;
    last_end_ns_ = now_ns;
  }
  window.drop_issued();
  // What follows on a command that belonged to the old socket (its WATCH) means nothing on another.
  std::size_t gone = freed;
  window.keep_unissued([&](const InFlight& op) {
    if (!op.continued || !op.composite) return true;
    recorder_.ended(sample_of(slot, op, Outcome::lost, -1), kind);
    count_unsuccessful();
    --outstanding_;
    last_end_ns_ = now_ns;
    ++gone;
    return false;
  });
  for (std::size_t k = 0; k < gone; ++k) slot_freed(slot, now_ns);
}

void Worker::sweep(std::int64_t now_ns) {
  next_sweep_ns_ = now_ns + sweep_every_ns_;
  for (Slot& slot : slots_) {
    Connection& connection = *slot.connection;
    if (connection.ready()) {
      sweep_timeouts(slot, now_ns);
    } else if (connection.state() != Connection::State::closed &&
               !connection.check_deadline(now_ns)) {
      became_broken(slot, now_ns);
    }
  }
  open_some(now_ns);
  publish();
}

// In flight is first in, first out: only the oldest not yet expired one can expire next.
void Worker::sweep_timeouts(Slot& slot, std::int64_t now_ns) {
  Connection& connection = *slot.connection;
  InFlightWindow& window = connection.window();
  const std::int64_t timeout_ns = context_.plan.config.timeouts.response.count();
  const std::size_t issued = window.issued();
  if (issued == 0 || now_ns - window.issued_at(0).sent_ns < timeout_ns) return;
  for (std::size_t k = 0; k < issued; ++k) {
    InFlight& op = window.issued_at(k);
    if (op.expired) continue;
    if (now_ns - op.sent_ns < timeout_ns) break;
    op.expired = true;
    recorder_.ended(sample_of(slot, op, Outcome::timed_out, -1),
                    recorder_.error_kind("timeout.response"));
    count_unsuccessful();
    --outstanding_;
    last_end_ns_ = now_ns;
    if (!context_.events.answered()) {
      context_.events.refuse(
          {"timeout.response", "first_reply",
           connection.address() +
               " accepted the connection and answered no operation in time (timeouts.response_s)"});
      context_.notify();
    }
  }
  const std::int64_t silent_since_ns =
      std::max(connection.last_heard_ns(), window.issued_at(0).sent_ns + timeout_ns);
  if (now_ns - silent_since_ns < context_.plan.config.timeouts.grace.count()) return;
  connection.close({"connection.unresponsive", "operation",
                    connection.address() + " stayed silent after a response timeout; reopening"});
  became_broken(slot, now_ns);
}

}  // namespace redisload
