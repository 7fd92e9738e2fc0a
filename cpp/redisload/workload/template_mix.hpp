// Single commands mixed by weights, each made from a template: most workloads are a table for this,
// and commands of the user's own are too. Each data type has key names of its own, so that no
// command meets a key of a wrong type.
//
//   strings   redisload:string:000000000042     or <prefix>000000000042
//   others    redisload:list:000000000042       or <prefix>list:000000000042
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "redisload/base/error.hpp"
#include "redisload/config/run_config.hpp"
#include "redisload/workload/command_table.hpp"
#include "redisload/workload/data_model.hpp"
#include "redisload/workload/weighted_choice.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload {

struct MixCommand {
  std::string label;  // how results name it
  std::string text;   // its template
  double weight = 1.0;
  std::string path = "command";  // where it stands in the configuration
};

struct Mix {
  std::vector<MixCommand> commands;
  // What commands take that belong to no data type (DEL, EXPIRE).
  KeySpace primary = KeySpace::string;
  std::uint64_t elements = 10;  // of a prefilled list, set, sorted set or hash
  std::uint64_t batch = 1;      // commands sent together
};

// The commands of a workload with the weights that the configuration gives them.
std::vector<MixCommand> weighted(std::vector<MixCommand> commands, const WorkloadConfig& workload);
// What is wrong with those weights.
std::vector<ConfigProblem> weight_problems(const std::string& workload,
                                           const std::vector<MixCommand>& commands,
                                           const RunConfig& config);
// A label each, the second of a name with #2 behind it.
void name_labels(std::vector<MixCommand>& commands);

class TemplateMix final : public Workload {
 public:
  // The configuration has no problems. `seed` is the run's. Throws ConfigError for a wrong
  // template.
  TemplateMix(Mix mix, const RunConfig& config, std::uint64_t seed);

  const std::vector<OperationLabel>& labels() const override { return labels_; }
  std::unique_ptr<OperationStream> stream(std::uint64_t connection, std::uint64_t connections,
                                          WorkloadEvents& events) const override;
  std::vector<Tally> tallies() const override;
  std::vector<std::string> series() const override;
  const CommandTemplate& command(std::size_t label) const { return commands_[label].text; }

  // One command a key of each data type that the mix uses; none for counters and streams.
  const std::vector<OperationLabel>& prefill_labels() const override { return prefill_labels_; }
  std::uint64_t prefill_count() const override;
  OperationRequest prefill(std::uint64_t index) const override;
  int encode_prefill(const OperationRequest& request, OutputBuffer& out) const override;

  // One UNLINK a key that prefill or the mix may have written.
  const std::vector<OperationLabel>& cleanup_labels() const override { return cleanup_labels_; }
  std::uint64_t cleanup_count() const override;
  OperationRequest cleanup(std::uint64_t index) const override;
  int encode_cleanup(const OperationRequest& request, OutputBuffer& out) const override;

  double expected_miss_share() const override { return expected_misses(); }
  std::uint64_t batch() const override { return batch_; }

 private:
  friend class MixStream;
  struct Command {
    CommandTemplate text;
    KeySpace space = KeySpace::any;
    CommandTraits traits;
    double weight = 1;
    bool checks_value = false;  // its reply is a whole verified value
    bool adds() const noexcept { return text.has_key() && traits.writes && !traits.removes; }
  };

  bool checks_value(const CommandTraits& traits, const CommandTemplate& text) const;
  void plan_prefill(const RunConfig& config, std::uint64_t elements);
  void plan_cleanup();
  double miss_share(const Command& reader) const;
  double expected_misses() const;

  KeysConfig keys_;
  std::optional<double> hit_ratio_;
  bool prefilled_;
  bool expires_;
  std::uint64_t seed_;
  std::uint64_t prefill_seed_;
  std::uint64_t batch_;
  DataModel data_;
  std::vector<Command> commands_;  // by label: only what has a weight
  std::vector<OperationLabel> labels_;
  std::optional<WeightedChoice> choice_;
  std::vector<OperationLabel> prefill_labels_;
  std::vector<OperationLabel> cleanup_labels_{{"UNLINK", "UNLINK"}};
  std::vector<KeySpace> prefill_spaces_;            // by prefill label
  std::vector<CommandTemplate> prefill_templates_;  // likewise
  std::vector<CommandTemplate> cleanup_templates_;  // by data type
};

}  // namespace redisload
