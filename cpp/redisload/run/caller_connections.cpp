// The connections of a client, by the thread that holds it: opened as needed, reopened with
// backoff, freed of late replies.
#include <algorithm>

#include "redisload/run/caller.hpp"

namespace redisload {
namespace {

// Of the whole run at once, so that an accept queue is not flooded.
constexpr std::uint32_t kMostOpening = 128;
// A connection that rested longer is looked at before it is used: it may be closed by now.
constexpr std::int64_t kStale = 100 * kMillisecond;

}  // namespace

// Phase connect. Each thread of the pool holds every so-manieth client, and gives them to all when
// their connections stand.
void Caller::open_clients(std::int64_t now_ns) {
  const TopologyConfig& topology = context_.plan.config.topology;
  const std::size_t threads = topology.threads_per_pool;
  const auto& clients = pool_.clients();
  const auto most = std::max<std::uint32_t>(
      1, kMostOpening / static_cast<std::uint32_t>(context_.plan.workers.size()));
  std::uint32_t under_way = 0;
  bool settled = true;
  std::int64_t until_ns = next_wake_ns(now_ns);
  poller_.clear();
  for (std::size_t i = share_.place_in_pool; i < clients.size(); i += threads) {
    Client& client = *clients[i];
    under_way += tend(client, topology.eager ? client.most() : 1, now_ns, most - under_way);
    settled = settled && client.settled();
    watch_unsettled(client);
    until_ns = std::min(until_ns, client.due_ns(now_ns));
  }
  if (!settled) return poller_.wait(until_ns - now_ns);
  for (std::size_t i = share_.place_in_pool; i < clients.size(); i += threads)
    pool_.give_back(*clients[i]);
  state_ = State::idle;
  phase_done(now_ns);
}

// A connection of its client that can take operations; null: none yet, and one is under way if that
// may be.
Client::Place* Caller::find_connection(std::int64_t now_ns) {
  const auto most = std::max<std::uint32_t>(
      1, kMostOpening / static_cast<std::uint32_t>(context_.plan.workers.size()));
  if (!client_->settled()) tend(*client_, client_->made(), now_ns, most);
  for (Client::Place* place = client_->idle(); place != nullptr; place = client_->idle()) {
    if (now_ns - place->used_ns < kStale) return place;
    if (place->connection->receive(*this, receive_buffer_, context_.clock, false)) return place;
    became_broken(*place, context_.clock.now_ns());
  }
  if (client_->may_grow()) tend(*client_, client_->made() + 1, now_ns, most);
  return client_->idle();
}

// Brings the first `wanted` connections of a client as far as they go without waiting. Returns how
// many of them are being opened, at most `most`.
std::uint32_t Caller::tend(Client& client, std::uint32_t wanted, std::int64_t now_ns,
                           std::uint32_t most) {
  std::uint32_t under_way = 0;
  bool settled = true;
  for (std::uint32_t i = 0; i < wanted; ++i) {
    Client::Place& place = client.place(i);
    Connection& connection = *place.connection;
    if (connection.ready()) {
      if (!connection.window().empty()) look_for_late_replies(place, now_ns);
    } else if (connection.state() != Connection::State::closed) {
      drive(place, now_ns);
    } else if (place.reopen_ns <= now_ns && under_way < most) {
      if (!connection.open(now_ns)) became_broken(place, now_ns);
    }
    const bool closed = connection.state() == Connection::State::closed;
    under_way += closed || connection.ready() ? 0 : 1;
    settled = settled && connection.ready() && connection.window().empty();
  }
  client.set_settled(settled);
  return under_way;
}

void Caller::drive(Client::Place& place, std::int64_t now_ns) {
  Connection& connection = *place.connection;
  if (!connection.progress(receive_buffer_, context_.clock))
    return became_broken(place, context_.clock.now_ns());
  if (connection.ready()) return became_ready(place, context_.clock.now_ns());
  if (!connection.check_deadline(now_ns)) became_broken(place, now_ns);
}

void Caller::look_for_late_replies(Client::Place& place, std::int64_t now_ns) {
  Connection& connection = *place.connection;
  if (!connection.receive(*this, receive_buffer_, context_.clock, false))
    return became_broken(place, context_.clock.now_ns());
  if (now_ns >= silence_ns(connection)) close_silent(place, now_ns);
}

// When a connection whose replies are overdue has been silent for too long.
std::int64_t Caller::silence_ns(Connection& connection) const noexcept {
  InFlightWindow& window = connection.window();
  if (window.issued() == 0) return kNever;
  const TimeoutsConfig& timeouts = context_.plan.config.timeouts;
  return std::max(connection.last_heard_ns(),
                  window.issued_at(0).sent_ns + timeouts.response.count()) +
         timeouts.grace.count();
}

void Caller::close_silent(Client::Place& place, std::int64_t now_ns) {
  Connection& connection = *place.connection;
  connection.close({"connection.unresponsive", "operation",
                    connection.address() + " stayed silent after a response timeout; reopening"});
  became_broken(place, now_ns);
}

// What may become of its connections, for the next wait.
void Caller::watch_unsettled(Client& client) {
  for (std::uint32_t i = 0; i < client.made(); ++i) {
    Connection& connection = *client.place(i).connection;
    if (connection.state() == Connection::State::closed) continue;
    const bool under_way = !connection.ready();
    if (under_way || !connection.window().empty())
      poller_.watch(connection.descriptor(), connection.state() == Connection::State::connecting ||
                                                 connection.write_blocked());
  }
}

void Caller::became_ready(Client::Place& place, std::int64_t now_ns) {
  Connection& connection = *place.connection;
  place.stood = true;
  place.refused = false;
  place.used_ns = now_ns;
  pool_.count_ready(1);
  if (!place.opened_before) pool_.count_opened();
  count_handshake(connection, control_commands_);
  recorder_.connect_time(now_ns - connection.opened_ns());
  context_.events.add({now_ns, place.opened_before ? "reconnect" : "connect", connection.number(),
                       connection.address()});
  place.opened_before = true;
  stream_->connected(now_ns);
}

void Caller::became_broken(Client::Place& place, std::int64_t now_ns) {
  Connection& connection = *place.connection;
  const Fault fault = connection.fault();
  const bool stood = place.stood;
  place.stood = false;
  if (stood) {
    pool_.count_ready(-1);
    stream_->disconnected(now_ns);
  } else {
    place.refused = true;
    count_handshake(connection, control_commands_);
  }
  // A name with several addresses refuses us when none of them took us.
  const bool next_address = connection.has_untried_address();
  if (!context_.events.answered() && !next_address) {
    context_.events.refuse(fault);
    context_.notify();
  }
  const std::uint8_t kind = recorder_.error_kind(fault.kind);
  if (connection.window().issued() == 0) recorder_.connection_fault(kind);
  context_.events.add({now_ns, stood ? "disconnect" : "connect_failed", connection.number(),
                       fault.kind + ": " + fault.message});
  place.reopen_ns = now_ns + (next_address ? 1 : connection.backoff().next().count());
  if (client_ != nullptr) client_->set_settled(false);
  if (&place == place_) {
    abandon_operations(kind, now_ns);
  } else {
    connection.window().drop_issued();  // of operations that had timed out
  }
}

// The operations that went with their socket: lost, or failed where the server cannot have run
// them. What was not sent goes to another connection of the client.
void Caller::abandon_operations(std::uint8_t kind, std::int64_t now_ns) {
  Connection& connection = *place_->connection;
  InFlightWindow& window = connection.window();
  const std::size_t issued = window.issued();
  for (std::size_t k = 0; k < issued; ++k) {
    const InFlight& op = window.issued_at(k);
    if (op.expired) continue;
    if (source_ == Source::indexed) index_again_.push_back(op.index);
    end_unanswered(op, connection.wholly_written(op) ? Outcome::lost : Outcome::failed, kind,
                   now_ns);
  }
  window.drop_issued();
  for (std::size_t k = 0; k < window.unissued(); ++k) {
    const InFlight& op = window.unissued_at(k);
    if (op.continued) {
      end_unanswered(op, Outcome::lost, kind, now_ns);
    } else {
      pending_.push_back(op);
    }
  }
  window.drop_unissued();
  for (const Waiting& one : waiting_) end_unanswered(one.operation, Outcome::lost, kind, now_ns);
  waiting_.clear();
  place_ = nullptr;
  if (outstanding_ == 0) return release_client(now_ns);
  state_ = State::joining;
  asked_ns_ = now_ns;  // as long again for another connection
}

}  // namespace redisload
