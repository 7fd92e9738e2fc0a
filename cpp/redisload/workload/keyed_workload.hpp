// What the workloads of several commands an operation share: labels mixed by weights, keys and
// values drawn for each operation, prefill and cleanup by templates that are sent once for each
// key.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "redisload/base/error.hpp"
#include "redisload/base/random.hpp"
#include "redisload/config/run_config.hpp"
#include "redisload/workload/command_template.hpp"
#include "redisload/workload/data_model.hpp"
#include "redisload/workload/key_distribution.hpp"
#include "redisload/workload/template_mix.hpp"
#include "redisload/workload/weighted_choice.hpp"
#include "redisload/workload/workload.hpp"

namespace redisload {

class KeyedWorkload : public Workload {
 public:
  const std::vector<OperationLabel>& labels() const override { return labels_; }
  // Which of the kind's commands a label is.
  std::size_t command_of(std::size_t label) const { return commands_[label]; }
  const DataModel& data() const noexcept { return data_; }

  const std::vector<OperationLabel>& prefill_labels() const override { return prefill_.labels; }
  std::uint64_t prefill_count() const override { return prefill_.count; }
  std::uint64_t prefill_keys() const override { return data_.keyspace()->count(); }
  OperationRequest prefill(std::uint64_t index) const override;
  int encode_prefill(const OperationRequest& request, OutputBuffer& out) const override;

  const std::vector<OperationLabel>& cleanup_labels() const override { return cleanup_.labels; }
  std::uint64_t cleanup_count() const override { return cleanup_.count; }
  OperationRequest cleanup(std::uint64_t index) const override { return cleanup_.request(index); }
  int encode_cleanup(const OperationRequest& request, OutputBuffer& out) const override;

 protected:
  // `commands`: with their weights; `labels`: one each, in that order. The configuration has no
  // problems; `seed` is the run's.
  KeyedWorkload(const RunConfig& config, std::uint64_t seed,
                const std::vector<MixCommand>& commands, const std::vector<OperationLabel>& labels);

  void prefill_once(CommandTemplate text) { prefill_.add(std::move(text), 1); }
  void prefill_each_key(CommandTemplate text) { prefill_.add(std::move(text), count()); }
  // UNLINK of every key of a data type.
  void clean_up(KeySpace space) { cleanup_.add(data_.parse("UNLINK {key}", space), count()); }
  // All keys are there before the first operation and stay.
  bool keys_stay() const noexcept { return keys_stay_; }

 private:
  friend class KeyedStream;
  // Commands one after another, each so many times: for key 0, 1, 2 …
  struct Series {
    std::vector<OperationLabel> labels;
    std::vector<CommandTemplate> templates;
    std::vector<std::uint64_t> ends;  // where the next one begins
    std::uint64_t count = 0;
    void add(CommandTemplate text, std::uint64_t times);
    OperationRequest request(std::uint64_t index) const;
  };
  std::uint64_t count() const { return data_.keyspace()->count(); }

  std::uint64_t seed_;
  std::uint64_t prefill_seed_;
  bool keys_stay_;
  DataModel data_;
  std::vector<OperationLabel> labels_;  // only what has a weight
  std::vector<std::size_t> commands_;   // by label
  std::optional<WeightedChoice> choice_;
  Series prefill_, cleanup_;
};

class KeyedStream : public OperationStream {
 protected:
  KeyedStream(const KeyedWorkload& workload, std::uint64_t connection, std::uint64_t connections);
  // The next label, its key and its value's seed; detail and origin are 0.
  OperationRequest draw();
  Random& random() noexcept { return random_; }

 private:
  const KeyedWorkload& workload_;
  Random random_;
  KeyGenerator keys_;
};

// hit_ratio where a workload cannot follow it.
std::vector<ConfigProblem> hit_ratio_problems(const std::string& workload, const RunConfig& config);

// A word of a template that stands for exactly these bytes.
std::string quoted_word(std::string_view bytes);

}  // namespace redisload
