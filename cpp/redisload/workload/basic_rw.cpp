#include "redisload/workload/basic_rw.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "redisload/base/random.hpp"
#include "redisload/workload/key_distribution.hpp"

namespace redisload {
namespace {

constexpr std::string_view kStringPrefix = "redisload:string:";
constexpr std::string_view kCounterPrefix = "redisload:counter:";
constexpr std::array<std::string_view, 4> kNames{"SET", "GET", "DEL", "INCR"};
constexpr std::array<std::string_view, 4> kTemplates{"SET {key} {value}", "GET {key}", "DEL {key}",
                                                     "INCR {key}"};
constexpr std::array<double, 4> kDefaultWeights{45, 45, 5, 5};

std::string as_text(double number) {
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string prefix_of_strings(const KeysConfig& keys) {
  return keys.prefix.value_or(std::string(kStringPrefix));
}
std::string prefix_of_counters(const KeysConfig& keys) {
  return keys.prefix ? *keys.prefix + "counter:" : std::string(kCounterPrefix);
}

}  // namespace

class BasicRwStream final : public OperationStream {
 public:
  BasicRwStream(const BasicRw& workload, std::uint64_t connection, std::uint64_t connections)
      : workload_(workload),
        random_(Random::stream(workload.seed_, StreamPurpose::operations, connection)),
        keys_(workload.keys_, connection, connections) {}

  OperationRequest next() override {
    OperationRequest request;
    request.label = static_cast<std::uint16_t>(workload_.choice_->pick(random_));
    request.key = keys_.next(random_);
    if (workload_.templates_[request.label].has_value()) request.value_seed = random_.next();
    return request;
  }

 private:
  const BasicRw& workload_;
  Random random_;
  KeyGenerator keys_;
};

std::optional<BasicRw::Command> BasicRw::command_named(std::string_view name) {
  const auto same = [](char a, char b) { return (a >= 'a' && a <= 'z' ? a - 'a' + 'A' : a) == b; };
  for (std::size_t i = 0; i < kCommands; ++i) {
    if (std::ranges::equal(name, kNames[i], same)) return static_cast<Command>(i);
  }
  return std::nullopt;
}

std::vector<ConfigProblem> BasicRw::problems(const RunConfig& config) {
  std::vector<ConfigProblem> found;
  std::array<bool, kCommands> given{};
  bool any_positive = config.workload.weights.empty();
  for (const auto& [name, weight] : config.workload.weights) {
    const std::string path = "workload.weights." + name;
    const auto command = command_named(name);
    if (!command) {
      found.push_back({path, name, "a command of basic_rw: SET, GET, DEL, INCR"});
    } else if (std::exchange(given[static_cast<std::size_t>(*command)], true)) {
      found.push_back({path, name, "each command once"});
    }
    if (!std::isfinite(weight) || weight < 0.0) {
      found.push_back({path, as_text(weight), "a number of at least 0"});
    }
    any_positive = any_positive || weight > 0.0;
  }
  if (!any_positive) {
    found.push_back({"workload.weights", "0 for every command", "at least one weight above 0"});
  }
  return found;
}

std::vector<double> BasicRw::weights_of(const WorkloadConfig& workload) {
  if (workload.weights.empty()) return {kDefaultWeights.begin(), kDefaultWeights.end()};
  std::vector<double> weights(kCommands, 0.0);
  for (const auto& [name, weight] : workload.weights) {
    weights[static_cast<std::size_t>(command_named(name).value())] = weight;
  }
  return weights;
}

BasicRw::BasicRw(const RunConfig& config, std::uint64_t seed)
    : keys_(config.keys),
      prefilled_(config.prefill),
      seed_(seed),
      prefill_seed_(Random::stream(seed, StreamPurpose::values, 0).next()),
      weights_(weights_of(config.workload)),
      prefill_labels_{{"SET", "SET", false}},
      cleanup_labels_{{"UNLINK", "UNLINK", false}} {
  const std::string strings = prefix_of_strings(keys_);
  const std::string counters = prefix_of_counters(keys_);
  const auto values = std::make_shared<const ValueGenerator>(config.values.size_bytes);
  std::vector<double> used;
  for (std::size_t i = 0; i < kCommands; ++i) {
    if (weights_[i] == 0.0) continue;
    const auto command = static_cast<Command>(i);
    const std::string& prefix = command == Command::incr ? counters : strings;
    used.push_back(weights_[i]);
    commands_.push_back(command);
    labels_.push_back({std::string(kNames[i]), std::string(kNames[i]), command == Command::get});
    templates_.push_back(CommandTemplate::parse(kTemplates[i], prefix, values));
  }
  choice_.emplace(used);
  prefill_templates_.push_back(CommandTemplate::parse("SET {key} {value}", strings, values));
  cleanup_templates_.push_back(CommandTemplate::parse("UNLINK {key}", strings, values));
  cleanup_templates_.push_back(CommandTemplate::parse("UNLINK {key}", counters, values));
}

std::unique_ptr<OperationStream> BasicRw::stream(std::uint64_t connection,
                                                 std::uint64_t connections) const {
  return std::make_unique<BasicRwStream>(*this, connection, connections);
}

int BasicRw::encode(const OperationRequest& request, OutputBuffer& out) const {
  templates_[request.label].encode(request, out);
  return 1;
}

ReplyMeaning BasicRw::read(const OperationRequest& request, const Reply& reply) const {
  ReplyMeaning meaning;
  if (reply.is_error()) {
    meaning.failed = true;
  } else if (commands_[request.label] == Command::get) {
    (reply.nil ? meaning.misses : meaning.hits) = 1;
  }
  return meaning;
}

std::uint64_t BasicRw::prefill_count() const {
  const bool strings =
      weight(Command::set) > 0.0 || weight(Command::get) > 0.0 || weight(Command::del) > 0.0;
  return strings ? keys_.count : 0;
}

OperationRequest BasicRw::prefill(std::uint64_t index) const {
  std::uint64_t mix = prefill_seed_ + index;
  OperationRequest request;
  request.key = index;
  request.value_seed = splitmix64(mix);
  return request;
}

int BasicRw::encode_prefill(const OperationRequest& request, OutputBuffer& out) const {
  prefill_templates_.front().encode(request, out);
  return 1;
}

bool BasicRw::writes_strings() const {
  return weight(Command::set) > 0.0 || (prefilled_ && prefill_count() > 0);
}

std::uint64_t BasicRw::cleanup_count() const {
  return (writes_strings() ? keys_.count : 0) + (weight(Command::incr) > 0.0 ? keys_.count : 0);
}

OperationRequest BasicRw::cleanup(std::uint64_t index) const {
  const bool counter = !writes_strings() || index >= keys_.count;
  OperationRequest request;
  request.key = index >= keys_.count ? index - keys_.count : index;
  request.detail = counter ? 1 : 0;
  return request;
}

int BasicRw::encode_cleanup(const OperationRequest& request, OutputBuffer& out) const {
  cleanup_templates_[request.detail].encode(request, out);
  return 1;
}

// A key is there if the last SET or DEL of it was a SET. Starting from all keys there, the share of
// those whose last one was a DEL rises towards del / (set + del) and never passes it. Without
// prefill nobody knows what is there: any share is to be expected.
double BasicRw::expected_miss_share() const {
  if (weight(Command::get) == 0.0) return 0.0;
  if (!prefilled_) return 1.0;
  const double del = weight(Command::del);
  return del == 0.0 ? 0.0 : del / (weight(Command::set) + del);
}

}  // namespace redisload
