// A caller's operations on a connection: how they go out, what their replies mean, how they end.
#include <algorithm>

#include "redisload/run/caller.hpp"

namespace redisload {

void Caller::encode(Connection& /*connection*/, InFlight& op, OutputBuffer& out) {
  const Workload& workload = context_.workload;
  int replies = 0;
  if (op.phase == Phase::prefill) {
    replies = workload.encode_prefill(op.request, out);
  } else if (op.phase == Phase::cleanup) {
    replies = workload.encode_cleanup(op.request, out);
  } else {
    replies = stream_->encode(op.request, out);
  }
  op.replies_left = static_cast<std::uint16_t>(replies);
}

void Caller::on_sent(Connection& /*connection*/, InFlight& op) {
  if (op.composite) [[unlikely]]
    stream_->sent(op.request);
  const std::uint16_t label = recorded_label(context_.workload, op);
  if (op.continued) [[unlikely]] {
    recorder_.sent_further(label, op.bytes_sent);
    return;
  }
  if (op.attempts == 0) op.first_sent_ns = op.sent_ns;
  recorder_.sent(label, ++op.attempts == 1, op.bytes_sent);
  if (op.phase == Phase::measure) ++issued_;
}

ReplySink* Caller::parts(Connection& /*connection*/, const InFlight& op) {
  if (!wants_parts_ || op.expired || op.phase == Phase::prefill || op.phase == Phase::cleanup)
    return nullptr;
  if (!context_.workload.labels()[op.request.label].wants_parts) return nullptr;
  return stream_->parts(op.request);
}

void Caller::on_reply(Connection& connection, InFlight& op, const Reply& reply, std::size_t bytes,
                      std::int64_t now_ns) {
  if (answered_++ == 0) context_.events.set_answered();
  last_answer_ns_ = now_ns;
  op.bytes_received += static_cast<std::uint32_t>(bytes);
  if (op.expired) [[unlikely]] {  // maybe of another thread: its stream is not ours to tell
    if (--op.replies_left != 0) return;
    if (op.phase == phase_)
      recorder_.late_reply(recorded_label(context_.workload, op), op.bytes_received);
    connection.window().pop();
    return;
  }
  ReplyMeaning meaning;
  if (op.phase == Phase::cleanup) {
    meaning.failed = reply.is_error();
  } else if (op.phase == Phase::prefill) {
    meaning.failed = context_.workload.prefill_failed(reply);
  } else {
    meaning = stream_->read(op.request, reply);
  }
  op.hits += meaning.hits;
  op.misses += meaning.misses;
  if (meaning.failed && !op.failed) [[unlikely]] {
    op.failed = true;
    op.error_kind = reply_error_kind(recorder_, reply.is_error() ? reply.text : stream_->error());
  }
  if (--op.replies_left == 0) finish_operation(op, now_ns);
}

void Caller::finish_operation(InFlight& op, std::int64_t now_ns) {
  InFlightWindow& window = place_->connection->window();
  const Outcome outcome = op.failed ? Outcome::failed : Outcome::succeeded;
  if (op.phase == Phase::measure || op.phase == Phase::warmup) {
    const NextStep next = stream_->after(op.request, outcome, now_ns);
    if (next.kind != NextStep::Kind::done) [[unlikely]] {
      InFlight again = op;
      again.failed = false;
      again.continued = true;
      window.pop();
      if (next.kind == NextStep::Kind::wait_until) {
        waiting_.push_back({next.until_ns, again});
      } else {
        window.push() = again;
      }
      return;
    }
  }
  if (op.failed) [[unlikely]] {
    recorder_.failed_reply(sample_of(op, outcome, now_ns), op.error_kind);
    if (phase_ == Phase::measure) ++unsuccessful_;
  } else {
    recorder_.succeeded(sample_of(op, outcome, now_ns), op.hits, op.misses);
    ++phase_succeeded_;
  }
  window.pop();
  --outstanding_;
  ++ended_;
  last_end_ns_ = now_ns;
}

// When the oldest operation that waits for its reply has waited too long; what the socket does not
// take has no deadline, but its connection has.
std::int64_t Caller::expiry_ns() noexcept {
  InFlightWindow& window = place_->connection->window();
  const std::size_t issued = window.issued();
  for (std::size_t k = 0; k < issued; ++k) {
    const InFlight& op = window.issued_at(k);
    if (!op.expired) return op.sent_ns + context_.plan.config.timeouts.response.count();
  }
  return silence_ns(*place_->connection);
}

void Caller::sweep_timeouts(std::int64_t now_ns) {
  Connection& connection = *place_->connection;
  InFlightWindow& window = connection.window();
  const std::int64_t timeout_ns = context_.plan.config.timeouts.response.count();
  const std::size_t issued = window.issued();
  bool was_shown = false;
  for (std::size_t k = 0; k < issued; ++k) {
    InFlight& op = window.issued_at(k);
    if (op.expired) continue;
    if (now_ns - op.sent_ns < timeout_ns) break;
    was_shown = was_shown || op.composite || parts(connection, op) != nullptr;
    op.expired = true;
    if (source_ == Source::indexed) index_again_.push_back(op.index);
    end_unanswered(op, Outcome::timed_out, recorder_.error_kind("timeout.response"), now_ns);
    if (!context_.events.answered()) {
      context_.events.refuse(
          {"timeout.response", "first_reply",
           connection.address() +
               " accepted the connection and answered no operation in time (timeouts.response_s)"});
      context_.notify();
    }
  }
  // Half of its reply may have been shown to our stream, or it may have left a key watched: no
  // other thread may go on with it.
  if (was_shown) {
    connection.close({"timeout.response", "operation", connection.address() + ": closed"});
    became_broken(*place_, now_ns);
  } else if (now_ns >= silence_ns(connection)) {
    close_silent(*place_, now_ns);
  }
}

void Caller::end_unanswered(const InFlight& op, Outcome outcome, std::uint8_t kind,
                            std::int64_t now_ns) {
  recorder_.ended(sample_of(op, outcome, -1), kind);
  --outstanding_;
  ++ended_;
  answered_all_ = false;
  if (outcome == Outcome::not_sent) return;
  if (phase_ == Phase::measure) ++unsuccessful_;
  last_end_ns_ = now_ns;
}

}  // namespace redisload
