#include "redisload/workload/keyed_workload.hpp"

#include <algorithm>
#include <utility>

namespace redisload {

KeyedWorkload::KeyedWorkload(const RunConfig& config, std::uint64_t seed,
                             const std::vector<MixCommand>& commands,
                             const std::vector<OperationLabel>& labels)
    : seed_(seed),
      prefill_seed_(Random::stream(seed, StreamPurpose::values, 0).next()),
      keys_stay_(config.prefill && !config.values.ttl),
      data_(config) {
  std::vector<double> weights;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (commands[i].weight == 0.0) continue;
    weights.push_back(commands[i].weight);
    labels_.push_back(labels[i]);
    commands_.push_back(i);
  }
  choice_.emplace(weights);
}

void KeyedWorkload::Series::add(CommandTemplate text, std::uint64_t times) {
  labels.push_back({text.command(), text.command()});
  templates.push_back(std::move(text));
  count += times;
  ends.push_back(count);
}

OperationRequest KeyedWorkload::Series::request(std::uint64_t index) const {
  const auto place = std::ranges::upper_bound(ends, index) - ends.begin();
  OperationRequest request;
  request.key = index - (place == 0 ? 0 : ends[static_cast<std::size_t>(place - 1)]);
  request.label = static_cast<std::uint16_t>(place);
  return request;
}

OperationRequest KeyedWorkload::prefill(std::uint64_t index) const {
  std::uint64_t mix = prefill_seed_ + index;
  OperationRequest request = prefill_.request(index);
  request.value_seed = splitmix64(mix);
  return request;
}

int KeyedWorkload::encode_prefill(const OperationRequest& request, OutputBuffer& out) const {
  prefill_.templates[request.label].encode(request, out);
  return 1;
}

int KeyedWorkload::encode_cleanup(const OperationRequest& request, OutputBuffer& out) const {
  cleanup_.templates[request.label].encode(request, out);
  return 1;
}

KeyedStream::KeyedStream(const KeyedWorkload& workload, std::uint64_t connection,
                         std::uint64_t connections)
    : workload_(workload),
      random_(Random::stream(workload.seed_, StreamPurpose::operations, connection)),
      keys_(workload.data_.keyspace(), connection, connections) {}

OperationRequest KeyedStream::draw() {
  OperationRequest request;
  request.label = static_cast<std::uint16_t>(workload_.choice_->pick(random_));
  keys_.next(random_, true, 1, request);
  request.value_seed = random_.next();
  request.detail = 0;
  request.origin = 0;
  return request;
}

std::vector<ConfigProblem> hit_ratio_problems(const std::string& workload,
                                              const RunConfig& config) {
  if (!config.hit_ratio) return {};
  return {{"hit_ratio", "given", "no hit ratio with the workload " + workload}};
}

std::string quoted_word(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += "\\x";
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text + "\"";
}

}  // namespace redisload
