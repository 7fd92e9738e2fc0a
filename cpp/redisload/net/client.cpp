#include "redisload/net/client.hpp"

#include <algorithm>

namespace redisload {
namespace {

bool is_idle(const Client::Place& place) {
  return place.connection->ready() && place.connection->window().empty();
}

}  // namespace

Client::Client(std::uint32_t number, std::uint32_t first_connection, std::uint32_t most,
               const MakeConnection& make)
    : number_(number), first_connection_(first_connection), most_(most), make_(make) {
  places_.reserve(most);  // holders keep pointers to places
}

Client::Place& Client::place(std::uint32_t index) {
  while (places_.size() <= index) {
    Place& added = places_.emplace_back();
    added.connection = make_(first_connection_ + made() - 1);
  }
  return places_[index];
}

Client::Place* Client::idle() noexcept {
  if (last_used_ < places_.size() && is_idle(places_[last_used_])) [[likely]]
    return &places_[last_used_];
  const auto found = std::ranges::find_if(places_, is_idle);
  if (found == places_.end()) return nullptr;
  last_used_ = static_cast<std::size_t>(found - places_.begin());
  return &*found;
}

bool Client::may_grow() const noexcept {
  return made() < most_ && std::ranges::none_of(
                               places_,
                               [](const Place& place) {
                                 const Connection::State state = place.connection->state();
                                 return state == Connection::State::closed
                                            ? place.refused
                                            : state != Connection::State::ready;
                               });
}

std::int64_t Client::due_ns(std::int64_t after_ns) const noexcept {
  std::int64_t due_ns = kNever;
  for (const Place& place : places_) {
    const bool closed = place.connection->state() == Connection::State::closed;
    const std::int64_t one_ns = closed ? place.reopen_ns : place.connection->deadline_ns();
    if (one_ns > after_ns) due_ns = std::min(due_ns, one_ns);
  }
  return due_ns;
}

}  // namespace redisload
