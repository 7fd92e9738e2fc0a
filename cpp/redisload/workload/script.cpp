// script: EVALSHA of a Lua script with one key and a value, KEYS[1] and ARGV[1] (and ARGV[2]: the
// milliseconds to live, where keys expire). Prefill loads it. A server that does not know it
// (NOSCRIPT: it was restarted, or flushed) is sent the text with EVAL, as the same operation.
//
// https://redis.io/docs/latest/develop/interact/programmability/eval-intro/
#include <openssl/sha.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "redisload/workload/keyed_workload.hpp"
#include "redisload/workload/workloads.hpp"

namespace redisload {
namespace {

// Answers the old value.
constexpr std::string_view kOwnScript =
    "local old = redis.call('GET', KEYS[1])\n"
    "if ARGV[2] then\n"
    "  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])\n"
    "else\n"
    "  redis.call('SET', KEYS[1], ARGV[1])\n"
    "end\n"
    "return old\n";

// Places in tallies().
enum TallyNumber : std::uint16_t { kNoScript, kEvalSha, kEval, kGetInScript, kSetInScript };
enum Stage : std::uint16_t { kByHash, kByText };

const std::vector<MixCommand> kCommands{{"EVALSHA", "EVALSHA {key} {value}", 1}};

// As SCRIPT LOAD answers it: SHA-1, in lower case.
std::string hash_of(std::string_view script) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(script.data()), script.size(), digest.data());
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : digest) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

class Script final : public KeyedWorkload {
 public:
  Script(const RunConfig& config, std::uint64_t seed)
      : KeyedWorkload(config, seed, weighted(kCommands, config.workload),
                      {{"EVALSHA", "", !config.workload.script, false}}),
        own_(!config.workload.script),
        by_hash_(parse(config, "EVALSHA " + hash_of(text(config)))),
        by_text_(parse(config, "EVAL " + quoted_word(text(config)))) {
    prefill_once(data().parse("SCRIPT LOAD " + quoted_word(text(config)), KeySpace::string));
    prefill_each_key(data().parse("SET {key} {value}" + expiry(config.values), KeySpace::string));
    clean_up(KeySpace::string);
  }

  std::unique_ptr<OperationStream> stream(std::uint64_t connection, std::uint64_t connections,
                                          WorkloadEvents& events) const override;

  std::vector<Tally> tallies() const override {
    return {{Tally::Kind::counter, "noscript"},
            {Tally::Kind::sent, "EVALSHA"},
            {Tally::Kind::sent, "EVAL"},
            {Tally::Kind::in_script, "GET"},
            {Tally::Kind::in_script, "SET"}};
  }

  double expected_miss_share() const override { return keys_stay() ? 0.0 : 1.0; }

  // Nobody knows what a script of the user's calls and answers.
  bool own() const noexcept { return own_; }
  const CommandTemplate& command(std::uint16_t stage) const {
    return stage == kByHash ? by_hash_ : by_text_;
  }

 private:
  static std::string text(const RunConfig& config) {
    return config.workload.script.value_or(std::string(kOwnScript));
  }
  CommandTemplate parse(const RunConfig& config, const std::string& command) const {
    const std::string expires = config.values.ttl ? " {ttl_ms}" : "";
    return data().parse(command + " 1 {key} {value}" + expires, KeySpace::string);
  }

  bool own_;
  CommandTemplate by_hash_, by_text_;
};

class ScriptStream final : public KeyedStream {
 public:
  ScriptStream(const Script& script, std::uint64_t connection, std::uint64_t connections,
               WorkloadEvents& events)
      : KeyedStream(script, connection, connections), script_(script), events_(events) {}

  OperationRequest next() override { return draw(); }

  int encode(const OperationRequest& request, OutputBuffer& out) override {
    script_.command(request.stage).encode(request, out);
    return 1;
  }

  void sent(const OperationRequest& request) override {
    events_.tally(request.stage == kByHash ? kEvalSha : kEval, 1);
  }

  ReplyMeaning read(OperationRequest& request, const Reply& reply) override {
    ReplyMeaning meaning;
    if (request.stage == kByHash && reply.is_error() && reply.text.starts_with("NOSCRIPT")) {
      events_.tally(kNoScript, 1);
      request.detail = kUnknown;
      return meaning;
    }
    meaning.failed = reply.is_error();
    if (!script_.own()) return meaning;
    count_calls(reply);
    if (!meaning.failed) (reply.nil ? meaning.misses : meaning.hits) = 1;
    return meaning;
  }

  NextStep after(OperationRequest& request, Outcome outcome, std::int64_t /*now_ns*/) override {
    if (outcome != Outcome::succeeded || request.detail != kUnknown) return {};
    request.detail = 0;
    request.stage = kByText;
    return {NextStep::Kind::another_command, 0};
  }

 private:
  static constexpr std::uint32_t kUnknown = 1;  // detail: the server does not know the script

  // An error that names the script came from within it: from GET where the key is no string, else
  // from SET. Any other came before it ran.
  void count_calls(const Reply& reply) {
    const auto says = [&](std::string_view what) {
      return reply.text.find(what) != std::string_view::npos;
    };
    if (reply.is_error() && !says("script")) return;
    events_.tally(kGetInScript, 1);
    if (!reply.is_error() || !says("WRONGTYPE")) events_.tally(kSetInScript, 1);
  }

  const Script& script_;
  WorkloadEvents& events_;
};

std::unique_ptr<OperationStream> Script::stream(std::uint64_t connection, std::uint64_t connections,
                                                WorkloadEvents& events) const {
  return std::make_unique<ScriptStream>(*this, connection, connections, events);
}

std::vector<ConfigProblem> problems(const RunConfig& config) {
  std::vector<ConfigProblem> found = hit_ratio_problems("script", config);
  if (config.workload.script && config.workload.script->empty())
    found.push_back({"workload.script", "empty", "a Lua script, or none for the workload's own"});
  return found;
}

}  // namespace

WorkloadKind script() {
  WorkloadKind kind;
  kind.name = "script";
  kind.doc = "EVALSHA of a Lua script on one key: its own (GET, then SET) or yours";
  kind.commands = kCommands;
  kind.problems = problems;
  kind.make = [](const RunConfig& config, std::uint64_t seed) {
    return std::make_shared<const Script>(config, seed);
  };
  return kind;
}

}  // namespace redisload
