#include "redisload/workload/template_mix.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "redisload/base/random.hpp"
#include "redisload/workload/workload_registry.hpp"

namespace redisload {
namespace {

std::string as_text(double number) {
  std::string text = std::to_string(number);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

KeySpace space_of(const std::string& text, KeySpace primary) {
  const std::string name = text.substr(0, text.find(' '));
  std::string upper = name;
  for (char& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  const KeySpace space = command_traits(upper).space;
  return space == KeySpace::any ? primary : space;
}

// What writes a key of a data type with all its elements.
std::string prefill_text(KeySpace space, std::uint64_t elements, const ValuesConfig& values) {
  const auto each = [&](const std::string& command, const std::string& what) {
    std::string text = command + " {key}";
    for (std::uint64_t i = 0; i < elements; ++i) {
      std::array<char, kKeyDigits> digits{};
      write_key_number(digits.data(), i);
      std::string one = what;
      if (const std::size_t at = one.find('#'); at != std::string::npos)
        one.replace(at, 1, std::string(digits.data() + 6, 6));
      text += " " + one;
    }
    return text;
  };
  switch (space) {
    case KeySpace::string:
      return "SET {key} {value}" + expiry(values);
    case KeySpace::list:
      return each("RPUSH", "{value}");
    case KeySpace::set:
      return each("SADD", "member:#");
    case KeySpace::zset:
      return each("ZADD", "{score} member:#");
    case KeySpace::hash:
      return each("HSET", "field:# {value}");
    default:
      return "";
  }
}

}  // namespace

std::vector<MixCommand> weighted(std::vector<MixCommand> commands, const WorkloadConfig& workload) {
  if (workload.weights.empty()) return commands;
  for (MixCommand& command : commands) {
    command.weight = 0;
    for (const auto& [name, weight] : workload.weights) {
      if (same_name(name, command.label)) command.weight = weight;
    }
  }
  return commands;
}

std::vector<ConfigProblem> weight_problems(const std::string& workload,
                                           const std::vector<MixCommand>& commands,
                                           const RunConfig& config) {
  std::string known;
  for (const MixCommand& command : commands) known += (known.empty() ? "" : ", ") + command.label;
  std::vector<ConfigProblem> found;
  std::set<std::string> given;
  bool any_positive = config.workload.weights.empty();
  for (const auto& [name, weight] : config.workload.weights) {
    const std::string path = "workload.weights." + name;
    const auto command = std::ranges::find_if(
        commands, [&](const MixCommand& one) { return same_name(one.label, name); });
    if (command == commands.end()) {
      found.push_back({path, name, "a command of " + workload + ": " + known});
    } else if (!given.insert(command->label).second) {
      found.push_back({path, name, "each command once"});
    }
    if (!std::isfinite(weight) || weight < 0.0)
      found.push_back({path, as_text(weight), "a number of at least 0"});
    any_positive = any_positive || weight > 0.0;
  }
  if (!any_positive)
    found.push_back({"workload.weights", "0 for every command", "at least one weight above 0"});
  return found;
}

void name_labels(std::vector<MixCommand>& commands) {
  std::map<std::string, int> seen;
  for (MixCommand& command : commands) {
    const int times = ++seen[command.label];
    if (times > 1) command.label += "#" + std::to_string(times);
  }
}

// Counts the elements of a reply that are there and that are not, or keeps a value's bytes.
class MixStream final : public OperationStream, private ReplySink {
 public:
  MixStream(const TemplateMix& mix, std::uint64_t connection, std::uint64_t connections,
            WorkloadEvents& events)
      : mix_(mix),
        random_(Random::stream(mix.seed_, StreamPurpose::operations, connection)),
        keys_(mix.data_.keyspace(), connection, connections),
        events_(events) {
    if (mix_.data_.values()->verified()) {
      bytes_.reserve(mix_.data_.values()->size_bytes());
      scratch_.reserve(mix_.data_.values()->size_bytes());
    }
  }

  OperationRequest next() override {
    OperationRequest request;
    request.label = static_cast<std::uint16_t>(mix_.choice_->pick(random_));
    const TemplateMix::Command& command = mix_.commands_[request.label];
    keys_.next(random_, command.adds(), command.text.keys(), request);
    if (mix_.hit_ratio_) [[unlikely]] {
      // Keys beyond the keyspace are never written: whoever reads them misses, and what is taken
      // away there is missed by nobody.
      const bool reads = command.traits.reads != Reads::nothing;
      if (command.traits.removes || (reads && random_.unit() >= *mix_.hit_ratio_))
        request.key += mix_.data_.keyspace()->absent_offset();
    }
    if (command.text.needs_seed()) request.value_seed = random_.next();
    return request;
  }

  int encode(const OperationRequest& request, OutputBuffer& out) override {
    mix_.commands_[request.label].text.encode(request, out);
    return 1;
  }

  ReplySink* parts(const OperationRequest& /*request*/) override {
    found_ = absent_ = 0;
    bytes_.clear();
    too_long_ = false;
    return this;
  }

  ReplyMeaning read(OperationRequest& request, const Reply& reply) override {
    ReplyMeaning meaning;
    if (reply.is_error()) {
      meaning.failed = true;
      return meaning;
    }
    const TemplateMix::Command& command = mix_.commands_[request.label];
    switch (command.traits.reads) {
      case Reads::nothing:
        break;
      case Reads::value:
        (reply.nil ? meaning.misses : meaning.hits) = 1;
        break;
      case Reads::many:
      case Reads::count:
        (reply.nil || reply.number == 0 ? meaning.misses : meaning.hits) = 1;
        break;
      case Reads::elements:
        meaning.hits = found_;
        meaning.misses = absent_;
        break;
    }
    if (command.checks_value && !reply.nil &&
        (too_long_ || !mix_.data_.values()->genuine(bytes_, request.key, scratch_))) [[unlikely]]
      events_.tally(0, 1);
    return meaning;
  }

 private:
  void element(char /*type*/, std::int64_t /*number*/, bool nil, int depth) override {
    if (depth == 1) ++(nil ? absent_ : found_);
  }
  void bytes(std::string_view chunk) override {
    if (!mix_.data_.values()->verified()) return;
    if (bytes_.size() + chunk.size() > bytes_.capacity()) {
      too_long_ = true;
    } else {
      bytes_.append(chunk);
    }
  }

  const TemplateMix& mix_;
  Random random_;
  KeyGenerator keys_;
  WorkloadEvents& events_;
  std::uint32_t found_ = 0, absent_ = 0;
  std::string bytes_, scratch_;
  bool too_long_ = false;
};

TemplateMix::TemplateMix(Mix mix, const RunConfig& config, std::uint64_t seed)
    : keys_(config.keys),
      hit_ratio_(config.hit_ratio),
      prefilled_(config.prefill),
      expires_(config.values.ttl.has_value()),
      seed_(seed),
      prefill_seed_(Random::stream(seed, StreamPurpose::values, 0).next()),
      batch_(mix.batch),
      data_(config) {
  std::vector<double> weights;
  for (const MixCommand& command : mix.commands) {
    if (command.weight == 0.0) continue;
    const KeySpace space = space_of(command.text, mix.primary);
    CommandTemplate text = data_.parse(command.text, space, command.path);
    const CommandTraits& traits = command_traits(text.command());
    const bool checks = checks_value(traits, text);
    weights.push_back(command.weight);
    labels_.push_back({command.label, text.command(), traits.reads != Reads::nothing,
                       traits.reads == Reads::elements || checks});
    commands_.push_back({std::move(text), space, traits, command.weight, checks});
  }
  choice_.emplace(weights);
  plan_prefill(config, mix.elements);
  plan_cleanup();
}

// GETRANGE and its like return a part only.
bool TemplateMix::checks_value(const CommandTraits& traits, const CommandTemplate& text) const {
  return data_.values()->verified() && traits.reads == Reads::value &&
         traits.space == KeySpace::string && text.command().starts_with("GET") &&
         text.command() != "GETRANGE";
}

void TemplateMix::plan_prefill(const RunConfig& config, std::uint64_t elements) {
  std::set<KeySpace> used;
  for (const Command& command : commands_) {
    if (command.text.has_key()) used.insert(command.space);
  }
  for (const KeySpace space : used) {
    const std::string text = prefill_text(space, elements, config.values);
    if (text.empty()) continue;
    prefill_spaces_.push_back(space);
    prefill_templates_.push_back(data_.parse(text, space));
    const std::string& command = prefill_templates_.back().command();
    prefill_labels_.push_back({command, command});
  }
}

void TemplateMix::plan_cleanup() {
  std::set<KeySpace> written;
  if (prefilled_) written.insert(prefill_spaces_.begin(), prefill_spaces_.end());
  for (const Command& command : commands_) {
    if (command.adds()) written.insert(command.space);
  }
  for (const KeySpace space : written)
    cleanup_templates_.push_back(data_.parse("UNLINK {key}", space));
}

std::unique_ptr<OperationStream> TemplateMix::stream(std::uint64_t connection,
                                                     std::uint64_t connections,
                                                     WorkloadEvents& events) const {
  return std::make_unique<MixStream>(*this, connection, connections, events);
}

std::vector<Tally> TemplateMix::tallies() const {
  if (!data_.values()->verified()) return {};
  return {{Tally::Kind::counter, "corrupt_values"}};
}

std::vector<std::string> TemplateMix::series() const {
  if (batch_ == 1) return {};
  return {"batch"};
}

std::uint64_t TemplateMix::prefill_count() const { return keys_.count * prefill_templates_.size(); }

OperationRequest TemplateMix::prefill(std::uint64_t index) const {
  std::uint64_t mix = prefill_seed_ + index;
  OperationRequest request;
  request.label = static_cast<std::uint16_t>(index / keys_.count);
  request.key = index % keys_.count;
  request.value_seed = splitmix64(mix);
  return request;
}

int TemplateMix::encode_prefill(const OperationRequest& request, OutputBuffer& out) const {
  prefill_templates_[request.label].encode(request, out);
  return 1;
}

std::uint64_t TemplateMix::cleanup_count() const { return keys_.count * cleanup_templates_.size(); }

OperationRequest TemplateMix::cleanup(std::uint64_t index) const {
  OperationRequest request;
  request.key = index % keys_.count;
  request.detail = static_cast<std::uint32_t>(index / keys_.count);
  return request;
}

int TemplateMix::encode_cleanup(const OperationRequest& request, OutputBuffer& out) const {
  cleanup_templates_[request.detail].encode(request, out);
  return 1;
}

// An element is there if the last command of it wrote it. Starting from all there, the share of
// those that were taken away rises towards removals / (writes + removals) and never passes it.
// Without prefill, or where keys expire, nobody knows what is there: any share is to be expected.
double TemplateMix::miss_share(const Command& reader) const {
  const bool known = prefilled_ && !expires_ &&
                     std::ranges::find(prefill_spaces_, reader.space) != prefill_spaces_.end();
  if (!known) return 1.0;
  if (hit_ratio_) return 1.0 - *hit_ratio_;
  double writes = 0;
  double removals = 0;
  for (const Command& other : commands_) {
    if (other.space == reader.space && other.traits.writes)
      (other.traits.removes ? removals : writes) += other.weight;
  }
  return removals == 0 ? 0.0 : removals / (writes + removals);
}

double TemplateMix::expected_misses() const {
  double reads = 0;
  double missed = 0;
  for (const Command& reader : commands_) {
    if (reader.traits.reads == Reads::nothing) continue;
    reads += reader.weight;
    missed += reader.weight * miss_share(reader);
  }
  return reads == 0 ? 0.0 : missed / reads;
}

}  // namespace redisload
