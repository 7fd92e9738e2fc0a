#include "redisload/net/connection.hpp"

#include <utility>

namespace redisload {

Connection::Connection(std::uint32_t number, const ConnectionSetup& setup, Handshake handshake,
                       std::unique_ptr<Transport> transport, Random backoff_random)
    : number_(number),
      setup_(setup),
      transport_(std::move(transport)),
      window_(setup.window),
      handshake_(std::move(handshake)),
      backoff_(setup.backoff, backoff_random) {}

std::string Connection::stage() const {
  switch (state_) {
    case State::connecting:
      return "connect";
    case State::handshake:
      return handshake_answered_ < handshake_.steps.size()
                 ? handshake_.steps[handshake_answered_].stage
                 : "handshake";
    default:
      return answered_ ? "operation" : "first_reply";
  }
}

bool Connection::broken(Fault fault) {
  // What the server said before it hung up ("max number of clients reached") explains more; it may
  // have stood in the place of the answer to a step that could be refused.
  const bool before_first_answer =
      state_ == State::handshake || (state_ == State::ready && !answered_);
  if (before_first_answer && !handshake_refusal_.empty())
    fault.message += "; it said: " + handshake_refusal_;
  close(std::move(fault));
  return false;
}

bool Connection::broken(const IoResult& result) {
  return broken(describe_io(result, stage(), address()));
}

void Connection::close(Fault why) {
  fault_ = std::move(why);
  transport_->close();
  state_ = State::closed;
  deadline_ns_ = kNever;
  leftover_.release();
}

bool Connection::open(std::int64_t now_ns) {
  parser_.reset();
  encoded_ = written_ = issue_offset_ = 0;
  unread_ = 0;
  answered_ = false;
  handshake_sent_ = handshake_answered_ = confirmations_ = 0;
  handshake_refusal_.clear();
  opened_ns_ = now_ns;
  deadline_ns_ = now_ns + setup_.connect_timeout.count();
  state_ = State::connecting;
  const IoResult result = transport_->connect(setup_.addresses[address_index_]);
  if (result.status == IoStatus::ok) return begin_handshake(now_ns);
  if (result.status == IoStatus::blocked) return true;
  return connect_failed(describe_io(result, stage(), address()));
}

// The next attempt goes to the next address.
bool Connection::connect_failed(Fault fault) {
  broken(std::move(fault));
  address_index_ = (address_index_ + 1) % setup_.addresses.size();
  ++connects_failed_;
  return false;
}

bool Connection::begin_handshake(std::int64_t now_ns) {
  state_ = State::handshake;
  deadline_ns_ = now_ns + setup_.handshake_timeout.count();
  handshake_sent_ = handshake_.steps.size();
  leftover_.append(handshake_.bytes);
  if (!flush_leftover()) return false;
  if (handshake_.steps.empty()) become_ready();
  return true;
}

bool Connection::flush_leftover() {
  const IoResult result = transport_->write(leftover_.data(), leftover_.size());
  if (result.status == IoStatus::failed || result.status == IoStatus::closed) return broken(result);
  leftover_.consume(result.bytes);
  if (state_ == State::ready) written_ += result.bytes;
  if (leftover_.empty()) leftover_.release();
  return true;
}

void Connection::drop_unissued() {
  window_.drop_unissued();
  if (state_ != State::ready) return;
  encoded_ = issue_offset_;
  if (!leftover_.empty()) leftover_.truncate(static_cast<std::size_t>(issue_offset_ - written_));
}

bool Connection::progress(std::span<char> buffer, const TimeSource& clock) {
  if (state_ == State::connecting) {
    const IoResult result = transport_->finish_connect();
    if (result.status == IoStatus::blocked) return true;
    if (result.status != IoStatus::ok)
      return connect_failed(describe_io(result, stage(), address()));
    if (!begin_handshake(clock.now_ns())) return false;
  }
  if (state_ != State::handshake) return true;
  if (!leftover_.empty() && !flush_leftover()) return false;
  return receive_handshake(buffer, clock);
}

bool Connection::receive_handshake(std::span<char> buffer, const TimeSource& clock) {
  while (state_ == State::handshake) {
    const IoResult result = transport_->read(buffer.data(), buffer.size());
    if (result.status == IoStatus::blocked) return true;
    if (result.status != IoStatus::ok) return broken(result);
    last_heard_ns_ = clock.now_ns();
    bool refused = false;
    if (parser_.idle()) parser_.set_sink(pushes_ == nullptr ? nullptr : &pushes_->parts());
    const ProtocolFault fault =
        parser_.feed({buffer.data(), result.bytes}, [&](const Reply& reply, std::size_t) {
          if (reply.is_push()) return on_handshake_push(reply, last_heard_ns_);
          if (state_ == State::ready) {
            refused = !broken(describe_protocol(ProtocolFault::invalid, "handshake", address()));
            return false;
          }
          refused = !on_handshake_reply(reply);
          return !refused;
        });
    if (refused) return false;
    if (fault != ProtocolFault::none) return broken(describe_protocol(fault, stage(), address()));
  }
  return true;
}

bool Connection::on_handshake_reply(const Reply& reply) {
  const HandshakeStep& step = handshake_.steps[handshake_answered_];
  if (reply.is_error()) {
    const std::string text(reply.text);
    const std::string_view code = error_code(reply.text);
    handshake_refusal_ = text;
    if (code == "NOAUTH") {
      return broken(Fault{"auth.NOAUTH", "auth",
                          address() + " wants a password: give username and password"});
    }
    if (!step.optional) {
      const bool auth = step.stage == "auth" || code == "WRONGPASS" || code == "NOPERM";
      handshake_refusal_.clear();
      return broken(Fault{std::string(auth ? "auth." : "reply.") + std::string(code),
                          auth ? "auth" : step.stage,
                          address() + " refused " + step.command + ": " + text});
    }
  }
  step_answered();
  return true;
}

// A subscription is confirmed by pushes; messages may already come between them.
bool Connection::on_handshake_push(const Reply& push, std::int64_t now_ns) {
  if (pushes_ == nullptr || !pushes_->pushed(push, now_ns) || state_ == State::ready) return true;
  const HandshakeStep& step = handshake_.steps[handshake_answered_];
  if (step.confirmations != 0 && ++confirmations_ == step.confirmations) step_answered();
  return true;
}

void Connection::step_answered() {
  confirmations_ = 0;
  if (++handshake_answered_ == handshake_.steps.size()) become_ready();
}

void Connection::become_ready() {
  state_ = State::ready;
  deadline_ns_ = kNever;
  connects_failed_ = 0;
  backoff_.reset();
}

bool Connection::check_deadline(std::int64_t now_ns) {
  if (now_ns < deadline_ns_) return true;
  if (state_ == State::connecting) {
    return connect_failed(
        {"timeout.connect", "connect",
         address() + " did not accept the connection in time (timeouts.connect_s)"});
  }
  return broken(Fault{
      "timeout.handshake", stage(),
      address() + " accepted the connection and did not answer in time (timeouts.handshake_s)"});
}

}  // namespace redisload
