#include "redisload/net/address.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <cstring>
#include <future>
#include <memory>
#include <thread>

#include "redisload/base/error.hpp"

namespace redisload {
namespace {

std::string describe(const sockaddr* address, socklen_t size, std::uint16_t port) {
  char host[NI_MAXHOST] = "?";
  getnameinfo(address, size, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
  const std::string name =
      address->sa_family == AF_INET6 ? "[" + std::string(host) + "]" : std::string(host);
  return name + ":" + std::to_string(port);
}

Address unix_address(const std::string& path) {
  Address address;
  auto* raw = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof raw->sun_path) {
    throw TargetError("resolve", "the unix socket's path is longer than " +
                                     std::to_string(sizeof raw->sun_path - 1) + " bytes: " + path);
  }
  raw->sun_family = AF_UNIX;
  std::memcpy(raw->sun_path, path.c_str(), path.size() + 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  address.text = path;
  return address;
}

struct Lookup {
  int status = 0;
  std::vector<Address> addresses;
};

Lookup look_up(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  Lookup result;
  result.status = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    Address address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    address.text = describe(entry->ai_addr, entry->ai_addrlen, port);
    result.addresses.push_back(std::move(address));
  }
  if (found != nullptr) freeaddrinfo(found);
  return result;
}

}  // namespace

std::vector<Address> resolve(const TargetConfig& target, Duration timeout,
                             const std::function<bool()>& cancelled) {
  if (!target.unix_path.empty()) return {unix_address(target.unix_path)};
  auto promise = std::make_shared<std::promise<Lookup>>();
  auto answer = promise->get_future();
  // Detached: a resolver that hangs must not hold the run; it owns all that it touches.
  std::thread([promise, host = target.host, port = target.port] {
    promise->set_value(look_up(host, port));
  }).detach();
  constexpr auto kSlice = std::chrono::milliseconds(20);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (answer.wait_for(kSlice) != std::future_status::ready) {
    if (std::chrono::steady_clock::now() < deadline && !cancelled()) continue;
    throw TargetError("resolve", "no address for '" + target.host +
                                     "' in time: check the name, or raise timeouts.resolve_s");
  }
  Lookup found = answer.get();
  if (found.addresses.empty()) {
    throw TargetError("resolve", "the host name '" + target.host + "' cannot be resolved (" +
                                     gai_strerror(found.status) +
                                     "): check its spelling and the name server");
  }
  return std::move(found.addresses);
}

}  // namespace redisload
