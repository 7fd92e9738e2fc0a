// custom: commands of the user's own, mixed by their weights.
#include <algorithm>
#include <array>

#include "redisload/workload/template_text.hpp"
#include "redisload/workload/workloads.hpp"

namespace redisload {
namespace {

std::string path_of(std::size_t index) { return "commands[" + std::to_string(index) + "]"; }

std::vector<MixCommand> commands_of(const RunConfig& config) {
  std::vector<MixCommand> commands;
  const auto& given = config.workload.commands;
  for (std::size_t i = 0; i < given.size(); ++i) {
    std::string label = given[i].name.value_or("");
    if (label.empty()) {
      label = CommandTemplate::parse(given[i].text,
                                     DataModel(RunConfig{}).context(KeySpace::string), path_of(i))
                  .command();
    }
    commands.push_back({label, given[i].text, given[i].weight, path_of(i)});
  }
  name_labels(commands);
  return commands;
}

// DEL, EXPIRE and their like take the keys of the first command that has a data type.
KeySpace primary_of(const std::vector<MixCommand>& commands) {
  for (const MixCommand& command : commands) {
    std::string name = command.text.substr(0, command.text.find(' '));
    for (char& c : name) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    if (const KeySpace space = command_traits(name).space; space != KeySpace::any) return space;
  }
  return KeySpace::string;
}

bool has_ttl(const std::string& text) {
  const auto is_ttl = [](const TemplatePart& part) {
    return part.placeholder == Placeholder::ttl || part.placeholder == Placeholder::ttl_ms;
  };
  return std::ranges::any_of(split_template(text), [&](const TemplateWord& word) {
    return std::ranges::any_of(word, is_ttl);
  });
}

// What changes how a connection answers, so that replies would no longer belong to operations.
std::string refusal(std::string_view command) {
  constexpr std::array<std::string_view, 10> kModes{
      "SUBSCRIBE",    "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE",  "PUNSUBSCRIBE",
      "SUNSUBSCRIBE", "MONITOR",    "SYNC",       "CLIENT|REPLY", "PSYNC"};
  constexpr std::array<std::string_view, 4> kTransactions{"MULTI", "EXEC", "DISCARD", "WATCH"};
  if (std::ranges::find(kModes, command) != kModes.end())
    return "a command that is answered once (for messages there is the workload pub_sub)";
  if (command == "QUIT" || command == "RESET" || command == "HELLO")
    return "a command that leaves its connection as it is";
  if (std::ranges::find(kTransactions, command) != kTransactions.end())
    return "a command of its own: other operations of the connection would stand in between (for "
           "transactions there is the workload transaction)";
  return "";
}

std::vector<ConfigProblem> problems(const RunConfig& config) {
  std::vector<ConfigProblem> found;
  const auto& given = config.workload.commands;
  double sum = 0;
  if (given.empty())
    found.push_back({"commands", "none", "at least one command, such as 'GET {key}'"});
  constexpr std::size_t kMost = 1000;
  if (given.size() > kMost)
    found.push_back({"commands", std::to_string(given.size()), "at most 1,000 commands"});
  for (std::size_t i = 0; i < given.size() && i < kMost; ++i) {
    try {
      const CommandTemplate command = CommandTemplate::parse(
          given[i].text, DataModel(RunConfig{}).context(KeySpace::string), path_of(i));
      if (config.values.content == ValueContent::verified && command.has_value() &&
          command.keys() > 1)
        found.push_back({path_of(i), given[i].text,
                         "one key a command that writes, as verified values belong to their key"});
      if (const std::string allowed = refusal(command.command()); !allowed.empty())
        found.push_back({path_of(i), given[i].text, allowed});
      if (!config.values.ttl && has_ttl(given[i].text))
        found.push_back({path_of(i), given[i].text, "a time to live (values.ttl_s) for its {ttl}"});
    } catch (const ConfigError& error) {
      found.insert(found.end(), error.problems().begin(), error.problems().end());
    }
    if (!(given[i].weight >= 0 && given[i].weight <= 1e12))
      found.push_back(
          {path_of(i) + ".weight", std::to_string(given[i].weight), "a number of at least 0"});
    sum += given[i].weight;
  }
  if (!given.empty() && !(sum > 0))
    found.push_back({"commands", "0 for every command", "at least one weight above 0"});
  if (!config.workload.weights.empty())
    found.push_back({"workload.weights", "given", "commands have their weights of their own"});
  return found;
}

}  // namespace

WorkloadKind custom() {
  WorkloadKind kind;
  kind.name = "custom";
  kind.doc = "commands of your own (--command, rl.Command)";
  kind.options = {{"elements", 10, 1, 10'000,
                   "different {field}s and {member}s; elements of a "
                   "prefilled list, set, sorted set or hash"}};
  kind.problems = problems;
  kind.make = [](const RunConfig& config, std::uint64_t seed) {
    Mix mix;
    mix.commands = commands_of(config);
    mix.primary = primary_of(mix.commands);
    mix.elements = static_cast<std::uint64_t>(option(config.workload, "elements", 10));
    return std::make_shared<const TemplateMix>(std::move(mix), config, seed);
  };
  return kind;
}

}  // namespace redisload
