#include "redisload/net/control_connection.hpp"

#include <poll.h>

#include <array>

namespace redisload {
namespace {

constexpr std::size_t kMostKept = 4 << 20;  // INFO is some KiB; more is no answer to what we ask
constexpr std::string_view kContainers[] = {"CLIENT",  "CONFIG", "CLUSTER",
                                            "COMMAND", "OBJECT", "MEMORY"};

// "CLIENT|SETNAME", as commandstats counts a subcommand.
std::string command_name(const std::vector<std::string>& words) {
  std::string name = words.front();
  for (const std::string_view container : kContainers) {
    if (name == container && words.size() > 1) return name + "|" + words[1];
  }
  return name;
}

constexpr bool is_aggregate(char type) {
  return type == '*' || type == '%' || type == '~' || type == '>' || type == '|';
}

}  // namespace

void ControlConnection::Answer::clear() {
  type = 0;
  nil = keep_ = false;
  texts.clear();
  kept_bytes = 0;
}

void ControlConnection::Answer::element(char element_type, std::int64_t number, bool is_nil,
                                        int depth) {
  if (depth == 0 && element_type != '|') {
    type = element_type;
    nil = is_nil;
  }
  keep_ = depth <= 1 && !is_aggregate(element_type) && kept_bytes < kMostKept;
  if (!keep_) return;
  texts.push_back(element_type == ':' ? std::to_string(number) : std::string());
  kept_bytes += sizeof(std::string);
}

void ControlConnection::Answer::bytes(std::string_view chunk) {
  if (!keep_ || kept_bytes >= kMostKept) return;
  texts.back().append(chunk);
  kept_bytes += chunk.size();
}

ControlConnection::ControlConnection(const Address& address, const TargetConfig& target,
                                     const std::string& name, Duration timeout)
    : timeout_ns_(timeout.count()) {
  parser_.set_sink(&answer_);
  if (!open(address)) {
    transport_.close();
    return;
  }
  const Handshake handshake = make_handshake(target, name);
  for (const HandshakeStep& step : handshake.steps) ++sent_[step.command];
  exchange(handshake.bytes, handshake.steps.size());
}

bool ControlConnection::open(const Address& address) {
  const std::int64_t deadline_ns = clock_.now_ns() + timeout_ns_;
  IoResult result = transport_.connect(address);
  while (result.status == IoStatus::blocked) {
    if (!ready(POLLOUT, deadline_ns)) return false;
    result = transport_.finish_connect();
  }
  return result.status == IoStatus::ok;
}

bool ControlConnection::ready(short events, std::int64_t deadline_ns) const {
  const std::int64_t left_ns = deadline_ns - clock_.now_ns();
  if (left_ns <= 0) return false;
  pollfd one{transport_.descriptor(), events, 0};
  return poll(&one, 1, static_cast<int>(left_ns / kMillisecond) + 1) > 0;
}

bool ControlConnection::exchange(std::string_view bytes, std::size_t replies) {
  const std::int64_t deadline_ns = clock_.now_ns() + timeout_ns_;
  answer_.clear();
  bool alive = connected();
  while (alive && !bytes.empty()) {
    const IoResult result = transport_.write(bytes.data(), bytes.size());
    bytes.remove_prefix(result.bytes);
    alive = result.status == IoStatus::ok ||
            (result.status == IoStatus::blocked && ready(POLLOUT, deadline_ns));
  }
  while (alive && replies != 0) {
    bool blocked = false;
    alive = receive(replies, blocked) && (!blocked || ready(POLLIN, deadline_ns)) &&
            (replies == 0 || clock_.now_ns() < deadline_ns);
  }
  if (!alive) transport_.close();
  return alive;
}

bool ControlConnection::receive(std::size_t& replies, bool& blocked) {
  std::array<char, 16 << 10> buffer;
  const IoResult result = transport_.read(buffer.data(), buffer.size());
  blocked = result.status == IoStatus::blocked;
  if (blocked) return true;
  if (result.status != IoStatus::ok) return false;
  const ProtocolFault fault =
      parser_.feed({buffer.data(), result.bytes}, [&](const Reply& reply, std::size_t) {
        if (!reply.is_push() && --replies == 0) return false;
        answer_.clear();
        return true;
      });
  return fault == ProtocolFault::none && answer_.kept_bytes < kMostKept;
}

bool ControlConnection::send(const std::vector<std::string>& words) {
  if (!connected()) return false;
  ++sent_[command_name(words)];
  return exchange(format_command(words), 1);
}

std::optional<std::string> ControlConnection::ask(const std::vector<std::string>& words) {
  if (!send(words) || answer_.nil || answer_.type == '-' || answer_.type == '!')
    return std::nullopt;
  return answer_.texts.empty() ? std::string() : answer_.texts.front();
}

std::map<std::string, std::string> ControlConnection::ask_pairs(
    const std::vector<std::string>& words) {
  std::map<std::string, std::string> pairs;
  if (!send(words) || (answer_.type != '*' && answer_.type != '%')) return pairs;
  for (std::size_t i = 0; i + 1 < answer_.texts.size(); i += 2)
    pairs[answer_.texts[i]] = answer_.texts[i + 1];
  return pairs;
}

std::map<std::string, std::string> ControlConnection::info() {
  std::map<std::string, std::string> fields;
  const auto text = ask({"INFO"});
  if (!text) return fields;
  std::size_t begin = 0;
  while (begin < text->size()) {
    std::size_t end = text->find("\r\n", begin);
    if (end == std::string::npos) end = text->size();
    const std::string_view line(text->data() + begin, end - begin);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && line.front() != '#') {
      fields.emplace(line.substr(0, colon), line.substr(colon + 1));
    }
    begin = end + 2;
  }
  return fields;
}

}  // namespace redisload
