#include "redisload/workload/data_model.hpp"

#include <algorithm>
#include <cmath>

namespace redisload {

namespace {
constexpr double kElements = 10;
}

DataModel::DataModel(const RunConfig& config)
    : keys_(config.keys),
      values_(std::make_shared<const ValueGenerator>(config.values)),
      keyspace_(std::make_shared<const Keyspace>(config.keys, config.topology.connections())),
      fields_(static_cast<std::uint64_t>(option(config.workload, "elements", kElements))),
      members_(fields_),
      ttl_(ttl_of(config.values)) {}

TemplateContext DataModel::context(KeySpace space) const {
  TemplateContext context;
  context.keys = KeyNames::of(keys_, std::string(to_string(space)));
  context.keyspace = keyspace_;
  context.values = values_;
  context.fields = fields_;
  context.members = members_;
  context.ttl = ttl_;
  return context;
}

TtlRange ttl_of(const ValuesConfig& values) {
  if (!values.ttl) return {};
  const auto ms = [](Duration time) { return static_cast<double>(time.count()) / 1e6; };
  const double low = ms(*values.ttl) * (1 - values.ttl_jitter);
  const double high = ms(values.ttl_max.value_or(*values.ttl)) * (1 + values.ttl_jitter);
  const auto whole = [](double value) { return std::max<std::int64_t>(1, std::llround(value)); };
  return {whole(low), whole(high)};
}

std::string expiry(const ValuesConfig& values) { return values.ttl ? " PX {ttl_ms}" : ""; }

double option(const WorkloadConfig& workload, std::string_view name, double otherwise) {
  for (const auto& [known, value] : workload.options) {
    if (known == name) return value;
  }
  return otherwise;
}

}  // namespace redisload
