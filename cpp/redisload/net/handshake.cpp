#include "redisload/net/handshake.hpp"

#include <hiredis/hiredis.h>

#include <memory>
#include <new>

namespace redisload {
namespace {

void append(Handshake& handshake, HandshakeStep step, const std::vector<std::string>& words) {
  handshake.bytes += format_command(words);
  handshake.steps.push_back(std::move(step));
}

}  // namespace

std::string format_command(const std::vector<std::string>& words) {
  std::vector<const char*> pointers;
  std::vector<std::size_t> sizes;
  for (const std::string& word : words) {
    pointers.push_back(word.data());
    sizes.push_back(word.size());
  }
  char* bytes = nullptr;
  const long long size =
      redisFormatCommandArgv(&bytes, static_cast<int>(words.size()), pointers.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  const std::unique_ptr<char, void (*)(char*)> owner(bytes, redisFreeCommand);
  return {bytes, static_cast<std::size_t>(size)};
}

Handshake make_handshake(const TargetConfig& target, const std::string& connection_name,
                         int protocol) {
  Handshake handshake;
  const std::string user = target.username.value_or("default");
  if (target.protocol || protocol != 0) {
    std::vector<std::string> words{"HELLO", std::to_string(target.protocol.value_or(protocol))};
    if (target.password) words.insert(words.end(), {"AUTH", user, *target.password});
    append(handshake, {"HELLO", target.password ? "auth" : "handshake", false}, words);
  } else if (target.password) {
    std::vector<std::string> words{"AUTH"};
    if (target.username) words.push_back(user);
    words.push_back(*target.password);
    append(handshake, {"AUTH", "auth", false}, words);
  }
  if (target.database != 0)
    append(handshake, {"SELECT", "handshake", false}, {"SELECT", std::to_string(target.database)});
  append(handshake, {"CLIENT|SETNAME", "handshake", true}, {"CLIENT", "SETNAME", connection_name});
  return handshake;
}

void append_subscription(Handshake& handshake, const std::vector<std::string>& words,
                         std::size_t confirmations) {
  append(handshake, {words.front(), "handshake", false, confirmations}, words);
}

}  // namespace redisload
