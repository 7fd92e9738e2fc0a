#include "redisload/workload/command_template.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "redisload/base/error.hpp"

namespace redisload {
namespace {

// RESP as its specification says, written the slow and obvious way.
std::string resp(const std::vector<std::string>& words) {
  std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
  for (const auto& word : words)
    bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  return bytes;
}

std::shared_ptr<const ValueGenerator> values_of(std::size_t size) {
  return std::make_shared<const ValueGenerator>(size);
}

std::string encode(const CommandTemplate& command, std::uint64_t key,
                   std::uint64_t value_seed = 0) {
  OperationRequest request;
  request.key = key;
  request.value_seed = value_seed;
  OutputBuffer out;
  command.encode(request, out);
  return std::string(out.view());
}

std::string encode(const std::string& text, std::uint64_t key = 42) {
  return encode(CommandTemplate::parse(text, "p:", values_of(32)), key);
}

std::string problem(const std::string& text) {
  try {
    CommandTemplate::parse(text, "p:", values_of(32), "commands[3]");
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.problems().size(), 1u);
    EXPECT_EQ(error.problems().front().path, "commands[3]");
    EXPECT_EQ(error.problems().front().given, text);
    return error.problems().front().allowed;
  }
  return "";
}

TEST(CommandTemplate, EncodesAsTheReferenceDoes) {
  for (const std::size_t size : {0u, 1u, 5u, 32u, 128u, 129u, 4096u, 1'000'000u}) {
    const auto values = values_of(size);
    const auto set = CommandTemplate::parse("SET {key} {value} EX 60", "user:", values);
    const auto get = CommandTemplate::parse("GET {key}", "user:", values);
    for (const std::uint64_t key : {0ULL, 7ULL, 123456ULL, 1000000ULL, 987654321012ULL}) {
      std::string digits = std::to_string(key);
      digits.insert(0, 12 - digits.size(), '0');
      std::string value(size, '\0');
      values->fill(value.data(), key + 5);
      const std::string expected = resp({"SET", "user:" + digits, value, "EX", "60"});
      EXPECT_EQ(encode(set, key, key + 5), expected);
      EXPECT_EQ(set.size_bytes(), expected.size());
      EXPECT_EQ(encode(get, key), resp({"GET", "user:" + digits}));
    }
  }
}

TEST(CommandTemplate, AppendsAndLeavesWhatIsThere) {
  const auto set = CommandTemplate::parse("SET {key} {value}", "p:", values_of(32));
  OutputBuffer out;
  std::string expected;
  for (std::uint64_t key = 0; key < 100; ++key) {
    OperationRequest request;
    request.key = key;
    request.value_seed = key * 3;
    set.encode(request, out);
    expected += encode(set, key, key * 3);
  }
  EXPECT_EQ(out.view(), expected);
}

TEST(CommandTemplate, PlaceholdersStandAnywhereAndRepeatedly) {
  EXPECT_EQ(encode("MGET {key} a{key}b {key}{key}"),
            resp({"MGET", "p:000000000042", "ap:000000000042b", "p:000000000042p:000000000042"}));
  const auto values = values_of(5);
  std::string value(5, '\0');
  values->fill(value.data(), 9);
  EXPECT_EQ(encode(CommandTemplate::parse("X <{value}{key}{value}> {value}", "p:", values), 1, 9),
            resp({"X", "<" + value + "p:000000000001" + value + ">", value}));
  EXPECT_EQ(encode("PING"), resp({"PING"}));
}

TEST(CommandTemplate, QuotesAsRedisCliDoes) {
  EXPECT_EQ(encode(R"(SET  {key}	"a b" )"), resp({"SET", "p:000000000042", "a b"}));
  EXPECT_EQ(encode(R"(SET k 'a "b" \n')"), resp({"SET", "k", R"(a "b" \n)"}));
  EXPECT_EQ(encode(R"(SET k 'it\'s')"), resp({"SET", "k", "it's"}));
  EXPECT_EQ(encode(R"(SET k "\n\r\t\b\a\\\"\x41\xfF\q")"),
            resp({"SET", "k", "\n\r\t\b\a\\\"A\xffq"}));
  EXPECT_EQ(encode(R"(SET k "\x00")"), resp({"SET", "k", std::string(1, '\0')}));
  EXPECT_EQ(encode(R"(SET k "")"), resp({"SET", "k", ""}));
  EXPECT_EQ(encode(R"(SET k '')"), resp({"SET", "k", ""}));
  EXPECT_EQ(encode(R"(SET k "id={key}")"), resp({"SET", "k", "id=p:000000000042"}));
  EXPECT_EQ(encode(R"(SET k a\b)"), resp({"SET", "k", R"(a\b)"}));
}

TEST(CommandTemplate, LiteralBracesAreDoubledOrEscaped) {
  EXPECT_EQ(encode("GET {{tag}}:{key}"), resp({"GET", "{tag}:p:000000000042"}));
  EXPECT_EQ(encode(R"(SET k '{{"a":1}}')"), resp({"SET", "k", R"({"a":1})"}));
  EXPECT_EQ(encode(R"(SET k "\{key\}")"), resp({"SET", "k", "{key}"}));
}

TEST(CommandTemplate, SaysWhatItIsMadeOf) {
  const auto set = CommandTemplate::parse("hset {key} f {value}", "p:", values_of(3));
  EXPECT_EQ(set.command(), "HSET");
  EXPECT_TRUE(set.has_key());
  EXPECT_TRUE(set.has_value());
  const auto ping = CommandTemplate::parse("PING", "p:", values_of(3));
  EXPECT_FALSE(ping.has_key());
  EXPECT_FALSE(ping.has_value());
}

TEST(CommandTemplate, ErrorsSayWhereAndWhatIsAllowed) {
  EXPECT_EQ(problem("GET {ky}"),
            "at character 5: {ky} is not a placeholder; known: {key} {value}; a literal brace is "
            "written {{");
  EXPECT_EQ(problem("GET {key"),
            "at character 5: a { without its }; a literal brace is written {{");
  EXPECT_EQ(problem("GET key}"),
            "at character 8: a } without its {; a literal brace is written }}");
  EXPECT_EQ(problem(R"(SET k "abc)"), "at character 7: this quote is never closed");
  EXPECT_EQ(problem(R"(SET k 'abc)"), "at character 7: this quote is never closed");
  EXPECT_EQ(problem(R"(SET k "a"b)"), "at character 10: a closing quote must end its word");
  EXPECT_EQ(problem(R"(SET "\xg0")"), R"(at character 6: \x needs two hexadecimal digits)");
  EXPECT_EQ(problem(R"(SET "\)"), "at character 6: nothing follows the backslash");
  EXPECT_EQ(problem(""), "a command and its arguments, as in SET {key} {value}");
  EXPECT_EQ(problem("   "), "a command and its arguments, as in SET {key} {value}");
  for (const char* text : {"{key}", "GET{key} x", "\"\" x"}) {
    EXPECT_EQ(problem(text), "the first word is the command's name, without placeholders") << text;
  }
}

TEST(CommandTemplate, ThePrefixIsTakenAsItIs) {
  const auto get = CommandTemplate::parse("GET {key}", "a {b}\r\n\"", values_of(1));
  EXPECT_EQ(encode(get, 1), resp({"GET", "a {b}\r\n\"000000000001"}));
}

}  // namespace
}  // namespace redisload
