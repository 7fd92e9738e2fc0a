// The words of one command in RESP, the slow and obvious way.
#pragma once

#include <string>
#include <vector>

namespace redisload::test {

inline std::vector<std::string> words_of(const std::string& command) {
  std::vector<std::string> words;
  std::size_t at = command.find("\r\n") + 2;
  while (at < command.size()) {
    const std::size_t line = command.find("\r\n", at);
    const std::size_t size = std::stoul(command.substr(at + 1, line - at - 1));
    words.push_back(command.substr(line + 2, size));
    at = line + 2 + size + 2;
  }
  return words;
}

}  // namespace redisload::test
