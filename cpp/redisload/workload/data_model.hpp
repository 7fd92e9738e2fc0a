// The keys and values of a run, as templates of every data type share them.
#pragma once

#include <memory>
#include <string>

#include "redisload/config/run_config.hpp"
#include "redisload/workload/command_table.hpp"
#include "redisload/workload/command_template.hpp"

namespace redisload {

class DataModel {
 public:
  // The configuration has no problems.
  explicit DataModel(const RunConfig& config);

  // What placeholders of a command on this data type are filled with.
  TemplateContext context(KeySpace space) const;
  CommandTemplate parse(const std::string& text, KeySpace space,
                        const std::string& path = "command") const {
    return CommandTemplate::parse(text, context(space), path);
  }
  const std::shared_ptr<const ValueGenerator>& values() const noexcept { return values_; }
  const std::shared_ptr<const Keyspace>& keyspace() const noexcept { return keyspace_; }

 private:
  KeysConfig keys_;
  std::shared_ptr<const ValueGenerator> values_;
  std::shared_ptr<const Keyspace> keyspace_;
  std::uint64_t fields_, members_;
  TtlRange ttl_;
};

// Milliseconds that keys live, from the configuration's ttl, ttl_max and ttl_jitter.
TtlRange ttl_of(const ValuesConfig& values);
// " PX {ttl_ms}" where keys are to expire, else nothing.
std::string expiry(const ValuesConfig& values);

// A number of the workload's own, or its default.
double option(const WorkloadConfig& workload, std::string_view name, double otherwise);

}  // namespace redisload
