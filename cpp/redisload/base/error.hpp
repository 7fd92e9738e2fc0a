// The exceptions of the core, one tree; bindings map each to its Python twin (redisload/errors.py).
//
//   Error ─┬─ ConfigError     every problem at once
//          ├─ TargetError     the target cannot be reached or refuses us, before its first answer
//          └─ RunError        the run itself cannot do what was asked
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace redisload {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ConfigProblem {
  std::string path;     // "keys.count"
  std::string given;    // the value, as text
  std::string allowed;  // what would be right, in words
};

class ConfigError : public Error {
 public:
  explicit ConfigError(std::vector<ConfigProblem> problems)
      : Error(describe(problems)), problems_(std::move(problems)) {}
  const std::vector<ConfigProblem>& problems() const noexcept { return problems_; }

 private:
  static std::string describe(const std::vector<ConfigProblem>& problems) {
    std::string text;
    for (const auto& p : problems) {
      if (!text.empty()) text += "\n";
      text += p.path + " = " + p.given + ": " + p.allowed;
    }
    return text;
  }
  std::vector<ConfigProblem> problems_;
};

class TargetError : public Error {
 public:
  // stage: resolve, connect, tls, auth, handshake, first_reply.
  TargetError(std::string stage, const std::string& message)
      : Error(message), stage_(std::move(stage)) {}
  const std::string& stage() const noexcept { return stage_; }

 private:
  std::string stage_;
};

class RunError : public Error {
 public:
  using Error::Error;
};

}  // namespace redisload
