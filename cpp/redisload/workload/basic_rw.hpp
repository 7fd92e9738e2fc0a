// The workload basic_rw: SET, GET, DEL and INCR of single keys, mixed by weights (45, 45, 5, 5
// unless given). INCR works on counters under a prefix of its own, so that it never meets a string.
//
//   strings   redisload:string:000000000042     or <prefix>000000000042
//   counters  redisload:counter:000000000042    or <prefix>counter:000000000042
//
// GET of a key that DEL took away is a miss, not a failure; DEL of nothing succeeds.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "redisload/base/error.hpp"
#include "redisload/config/run_config.hpp"
#include "redisload/workload/command_template.hpp"
#include "redisload/workload/weighted_choice.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload {

class BasicRw final : public Workload {
 public:
  static constexpr std::string_view kName = "basic_rw";

  // What is wrong with its part of the configuration; empty: nothing.
  static std::vector<ConfigProblem> problems(const RunConfig& config);

  // The configuration has no problems. `seed` is the run's.
  BasicRw(const RunConfig& config, std::uint64_t seed);

  const std::vector<OperationLabel>& labels() const override { return labels_; }
  std::unique_ptr<OperationStream> stream(std::uint64_t connection,
                                          std::uint64_t connections) const override;
  int encode(const OperationRequest& request, OutputBuffer& out) const override;
  ReplyMeaning read(const OperationRequest& request, const Reply& reply) const override;

  // One SET a string; none when the mix touches no strings.
  const std::vector<OperationLabel>& prefill_labels() const override { return prefill_labels_; }
  std::uint64_t prefill_count() const override;
  OperationRequest prefill(std::uint64_t index) const override;
  int encode_prefill(const OperationRequest& request, OutputBuffer& out) const override;

  // One UNLINK a key that prefill, SET or INCR may have written.
  const std::vector<OperationLabel>& cleanup_labels() const override { return cleanup_labels_; }
  std::uint64_t cleanup_count() const override;
  OperationRequest cleanup(std::uint64_t index) const override;
  int encode_cleanup(const OperationRequest& request, OutputBuffer& out) const override;

  double expected_miss_share() const override;

 private:
  enum class Command : std::uint8_t { set, get, del, incr };
  static constexpr std::size_t kCommands = 4;
  friend class BasicRwStream;

  static std::optional<Command> command_named(std::string_view name);
  static std::vector<double> weights_of(const WorkloadConfig& workload);
  double weight(Command command) const { return weights_[static_cast<std::size_t>(command)]; }
  bool writes_strings() const;

  KeysConfig keys_;
  bool prefilled_;
  std::uint64_t seed_;
  std::uint64_t prefill_seed_;
  std::vector<double> weights_;  // by Command
  // By label: only commands with a weight have one.
  std::vector<OperationLabel> labels_;
  std::vector<Command> commands_;
  std::vector<CommandTemplate> templates_;
  std::optional<WeightedChoice> choice_;

  std::vector<OperationLabel> prefill_labels_;
  std::vector<OperationLabel> cleanup_labels_;
  std::vector<CommandTemplate> prefill_templates_;  // one
  std::vector<CommandTemplate> cleanup_templates_;  // strings, counters
};

}  // namespace redisload
