#include "redisload/net/control_connection.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <utility>

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

}  // namespace

ControlConnection::ControlConnection(const Address& address, const TargetConfig& target,
                                     const std::string& name, Duration timeout)
    : timeout_ns_(timeout.count()), address_(address.text), answer_(kMostKept) {
  parser_.set_sink(&answer_);
  if (!open(address)) return;
  stage_ = "handshake";
  const Handshake handshake = make_handshake(target, name);
  for (const HandshakeStep& step : handshake.steps) ++sent_[step.command];
  judge_handshake(handshake, exchange(handshake.bytes, handshake.steps.size()));
  stage_ = "first_reply";
}

bool ControlConnection::open(const Address& address) {
  const std::int64_t deadline_ns = clock_.now_ns() + timeout_ns_;
  IoResult result = transport_.connect(address);
  while (result.status == IoStatus::blocked) {
    if (!ready(POLLOUT, deadline_ns)) return false;
    result = transport_.finish_connect();
  }
  return result.status == IoStatus::ok || broken(describe_io(result, stage_, address_));
}

bool ControlConnection::broken(Fault fault) {
  fault_ = std::move(fault);
  transport_.close();
  return false;
}

// A refused step leaves the connection open: what is refused may still be asked for.
void ControlConnection::judge_handshake(const Handshake& handshake,
                                        const std::vector<ReplyTree>& replies) {
  for (std::size_t i = 0; i < replies.size() && (!fault_ || !connected()); ++i) {
    if (!replies[i].is_error()) continue;
    const HandshakeStep& step = handshake.steps[i];
    const std::string_view code = error_code(replies[i].text);
    if (!connected()) {
      fault_->message += "; it said: " + replies[i].text;
      return;
    }
    if (code == "NOAUTH") {
      fault_ = {"auth.NOAUTH", "auth", address_ + " wants a password: give username and password"};
    } else if (!step.optional) {
      fault_ = {"reply." + std::string(code), step.stage,
                address_ + " refused " + step.command + ": " + replies[i].text};
    }
  }
}

bool ControlConnection::ready(short events, std::int64_t deadline_ns) {
  for (std::int64_t left_ns = deadline_ns - clock_.now_ns(); left_ns > 0;
       left_ns = deadline_ns - clock_.now_ns()) {
    pollfd one{transport_.descriptor(), events, 0};
    const int found = poll(&one, 1, static_cast<int>(left_ns / kMillisecond) + 1);
    if (found > 0) return true;
    if (found < 0 && errno != EINTR) break;
  }
  return broken(
      {stage_ == "connect" ? "timeout.connect" : "timeout.response", stage_,
       address_ + " did not answer within " + std::to_string(timeout_ns_ / kMillisecond) + " ms"});
}

bool ControlConnection::write(std::string_view bytes, std::int64_t deadline_ns) {
  while (!bytes.empty()) {
    const IoResult result = transport_.write(bytes.data(), bytes.size());
    if (result.status == IoStatus::blocked) {
      if (!ready(POLLOUT, deadline_ns)) return false;
    } else if (result.status != IoStatus::ok) {
      return broken(describe_io(result, stage_, address_));
    }
    bytes.remove_prefix(result.bytes);
  }
  return true;
}

std::vector<ReplyTree> ControlConnection::exchange(std::string_view bytes, std::size_t replies) {
  const std::int64_t deadline_ns = clock_.now_ns() + timeout_ns_;
  std::vector<ReplyTree> answers;
  answer_.start();
  if (!connected() || !write(bytes, deadline_ns)) return answers;
  while (answers.size() < replies && receive(answers, replies)) {
    // A trickle that never blocks us keeps to the deadline too.
    if (answers.size() < replies && !ready(POLLIN, deadline_ns)) break;
  }
  return answers;
}

bool ControlConnection::receive(std::vector<ReplyTree>& replies, std::size_t wanted) {
  std::array<char, 16 << 10> buffer;
  const IoResult result = transport_.read(buffer.data(), buffer.size());
  if (result.status == IoStatus::blocked) return true;
  if (result.status != IoStatus::ok) return broken(describe_io(result, stage_, address_));
  const ProtocolFault fault =
      parser_.feed({buffer.data(), result.bytes}, [&](const Reply& reply, std::size_t) {
        if (reply.is_push()) {
          answer_.drop();
        } else {
          replies.push_back(answer_.take());
        }
        return replies.size() < wanted;
      });
  if (fault != ProtocolFault::none) return broken(describe_protocol(fault, stage_, address_));
  if (answer_.too_large()) {
    return broken(
        {"protocol.too_large", stage_,
         address_ + " answered with more than " + std::to_string(kMostKept >> 20) + " MiB"});
  }
  return true;
}

std::optional<std::vector<ReplyTree>> ControlConnection::ask_all(
    const std::vector<std::vector<std::string>>& questions) {
  if (!connected()) return std::nullopt;
  std::string bytes;
  for (const auto& words : questions) {
    ++sent_[command_name(words)];
    bytes += format_command(words);
  }
  auto replies = exchange(bytes, questions.size());
  if (!connected()) return std::nullopt;
  if (!replies.empty()) stage_ = "operation";
  return replies;
}

ReplyTree ControlConnection::ask_one(const std::vector<std::string>& words) {
  auto replies = ask_all({words});
  return replies ? std::move(replies->front()) : ReplyTree{};
}

std::optional<std::string> ControlConnection::ask(const std::vector<std::string>& words) {
  const ReplyTree reply = ask_one(words);
  if (reply.type == 0 || reply.nil || reply.is_error()) return std::nullopt;
  return reply.as_text();
}

std::map<std::string, std::string> ControlConnection::ask_pairs(
    const std::vector<std::string>& words) {
  std::map<std::string, std::string> pairs;
  const ReplyTree reply = ask_one(words);
  if (!reply.is_aggregate()) return pairs;
  for (std::size_t i = 0; i + 1 < reply.children.size(); i += 2)
    pairs[reply.children[i].as_text()] = reply.children[i + 1].as_text();
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
