#include "redisload/workload/command_template.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "redisload/base/error.hpp"
#include "redisload/base/random.hpp"
#include "support/command_words.hpp"
#include "support/statistics.hpp"

namespace redisload {
namespace {

using test::words_of;

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

TemplateContext context_of(const std::string& prefix,
                           std::shared_ptr<const ValueGenerator> values) {
  TemplateContext context;
  context.keys.prefix = prefix;
  KeysConfig keys;
  keys.count = 1000;
  context.keyspace = std::make_shared<const Keyspace>(keys, 10);
  context.values = std::move(values);
  return context;
}

CommandTemplate parse(const std::string& text, const std::string& prefix,
                      std::shared_ptr<const ValueGenerator> values) {
  return CommandTemplate::parse(text, context_of(prefix, std::move(values)));
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
  return encode(parse(text, "p:", values_of(32)), key);
}

std::string problem(const std::string& text) {
  try {
    CommandTemplate::parse(text, context_of("p:", values_of(32)), "commands[3]");
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
    const auto set = parse("SET {key} {value} EX 60", "user:", values);
    const auto get = parse("GET {key}", "user:", values);
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
  const auto set = parse("SET {key} {value}", "p:", values_of(32));
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
  EXPECT_EQ(encode("MGET {key:1} a{key:1}b {key:1}{key:1}"),
            resp({"MGET", "p:000000000042", "ap:000000000042b", "p:000000000042p:000000000042"}));
  const auto values = values_of(5);
  std::string value(5, '\0');
  values->fill(value.data(), 9);
  const std::string two = encode(parse("X <{value}{key}{value}> {value}", "p:", values), 1, 9);
  ASSERT_EQ(two.size(), resp({"X", "<" + value + "p:000000000001" + value + ">", value}).size());
  EXPECT_EQ(two.substr(0, two.find('<') + 20),
            "*3\r\n$1\r\nX\r\n$26\r\n<" + value + "p:000000000001");
  EXPECT_EQ(two.find(value, two.find(value) + 1), std::string::npos) << "each value is its own";
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

// Every encoding, read back, is well formed and says the same again.
template <typename Check>
void each_encoding(const CommandTemplate& command, int times, Check&& check) {
  std::uint64_t state = 5;
  for (int i = 0; i < times; ++i) {
    const std::uint64_t seed = splitmix64(state);
    const std::string bytes = encode(command, static_cast<std::uint64_t>(i) % 1000, seed);
    const auto words = words_of(bytes);
    ASSERT_EQ(bytes, resp(words));
    ASSERT_EQ(bytes, encode(command, static_cast<std::uint64_t>(i) % 1000, seed));
    check(words);
  }
}

TEST(CommandTemplate, NumbersCoverTheirRangeEvenly) {
  std::map<std::string, double> seen;
  each_encoding(parse("SETEX k {int:-2:3} x", "p:", values_of(3)), 60'000,
                [&](const auto& words) { ++seen[words.at(2)]; });
  ASSERT_EQ(seen.size(), 6u);
  std::vector<double> observed;
  for (const auto& [text, count] : seen) observed.push_back(count);
  EXPECT_GT(test::chi_square_p(observed, std::vector<double>(6, 10'000)), 1e-4);
  each_encoding(parse("X {int:-9223372036854775808:9223372036854775807}", "p:", values_of(3)), 100,
                [&](const auto& words) { EXPECT_NO_THROW(std::stoll(words.at(1))); });
}

TEST(CommandTemplate, ChoicesFieldsMembersAndScores) {
  std::map<std::string, double> seen;
  each_encoding(parse("X a{choice:one,,three}b {field} {member} {score}", "p:", values_of(3)),
                30'000, [&](const auto& words) {
                  ++seen[words.at(1)];
                  ASSERT_TRUE(words.at(2).starts_with("field:0000") && words.at(2).size() == 12);
                  ASSERT_TRUE(words.at(3).starts_with("member:0000") && words.at(3).size() == 13);
                  const double score = std::stod(words.at(4));
                  ASSERT_TRUE(score >= 0 && score < 1 && words.at(4).size() == 8);
                });
  EXPECT_GT(
      test::chi_square_p({seen["aoneb"], seen["ab"], seen["athreeb"]}, {10'000, 10'000, 10'000}),
      1e-4);
}

TEST(CommandTemplate, ValuesOfVaryingSizeHaveTheirLengthsBeforeThem) {
  ValuesConfig config;
  config.sizes = "0-300";
  const auto values = std::make_shared<const ValueGenerator>(config);
  std::size_t smallest = 1000;
  std::size_t largest = 0;
  each_encoding(parse("SET {key} {value} x{value}y{key:1}", "p:", values), 3000,
                [&](const auto& words) {
                  smallest = std::min(smallest, words.at(2).size());
                  largest = std::max(largest, words.at(2).size());
                  EXPECT_EQ(words.at(3).front(), 'x');
                  EXPECT_TRUE(words.at(3).ends_with("y" + words.at(1)));
                });
  EXPECT_LT(smallest, 5u);
  EXPECT_GT(largest, 295u);
}

TEST(CommandTemplate, KeysAreNumberedAndEachPlainOneIsItsOwn) {
  const auto values = values_of(3);
  const auto two = parse("SMOVE {key} {key} {key:2} {key:1}", "p:", values);
  EXPECT_EQ(two.keys(), 2u);
  EXPECT_EQ(two.key_positions(), (std::vector<std::uint32_t>{1, 2, 3, 4}));
  EXPECT_TRUE(two.needs_seed());
  int same = 0;
  each_encoding(two, 2000, [&](const auto& words) {
    EXPECT_EQ(words.at(3), words.at(2));
    EXPECT_EQ(words.at(4), words.at(1));
    same += words.at(1) == words.at(2) ? 1 : 0;
  });
  EXPECT_LT(same, 20);  // one in a thousand keys
  const auto mset = parse("MSET {key} {value} lit{key} {value}", "p:", values);
  EXPECT_EQ(mset.key_positions(), (std::vector<std::uint32_t>{1, 3}));
}

TEST(CommandTemplate, HashTagsBringKeysTogether) {
  TemplateContext context = context_of("p:", values_of(3));
  context.keys.tags = 16;
  const auto get = CommandTemplate::parse("GET {key}", context);
  EXPECT_EQ(encode(get, 42), resp({"GET", "p:{000010}:000000000042"}));
  const auto varying = CommandTemplate::parse("GET {key}{choice:x}", context);
  EXPECT_EQ(encode(varying, 42), resp({"GET", "p:{000010}:000000000042x"}));
}

TEST(CommandTemplate, NamesOfAnotherLength) {
  TemplateContext context = context_of("p:", values_of(3));
  context.keys.digits = 3;
  EXPECT_EQ(encode(CommandTemplate::parse("GET {key}", context), 42), resp({"GET", "p:042"}));
  context.keys.digits = 12;
  context.keys.zeros = 2;
  EXPECT_EQ(encode(CommandTemplate::parse("GET {key}{choice:y}", context), 42),
            resp({"GET", "p:00000000000042y"}));
}

TEST(CommandTemplate, SubcommandsArePartOfTheName) {
  EXPECT_EQ(parse("client id", "p:", values_of(3)).command(), "CLIENT|ID");
  EXPECT_EQ(parse("xgroup create {key} g $", "p:", values_of(3)).command(), "XGROUP|CREATE");
  EXPECT_EQ(parse("get {key}", "p:", values_of(3)).command(), "GET");
}

TEST(CommandTemplate, WrongArgumentsOfPlaceholdersSayWhere) {
  EXPECT_TRUE(problem("X {int:1}").starts_with("at character 8:")) << problem("X {int:1}");
  EXPECT_TRUE(problem("X {int:5:1}").starts_with("at character 8:"));
  EXPECT_TRUE(problem("X {int}").starts_with("at character 8:"));
  EXPECT_TRUE(problem("X {key:0}").starts_with("at character 8:"));
  EXPECT_TRUE(problem("X {key:x}").starts_with("at character 8:"));
  EXPECT_TRUE(problem("X {key:99999999}").starts_with("at character 8:"));
  EXPECT_TRUE(problem("X {choice:}").starts_with("at character 11:"));
  EXPECT_TRUE(problem("X {value:7}").starts_with("at character 9:"));
}

TEST(CommandTemplate, SaysWhatItIsMadeOf) {
  const auto set = parse("hset {key} f {value}", "p:", values_of(3));
  EXPECT_EQ(set.command(), "HSET");
  EXPECT_TRUE(set.has_key());
  EXPECT_TRUE(set.has_value());
  const auto ping = parse("PING", "p:", values_of(3));
  EXPECT_FALSE(ping.has_key());
  EXPECT_FALSE(ping.has_value());
}

TEST(CommandTemplate, ErrorsSayWhereAndWhatIsAllowed) {
  EXPECT_EQ(
      problem("GET {ky}"),
      "at character 5: {ky} is not a placeholder; known: {key} {key:2} {value} {field} {member} "
      "{score} {int:1:100} {choice:a,b,c} {ttl} {ttl_ms}; a literal brace is written {{");
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
  const auto get = parse("GET {key}", "a {b}\r\n\"", values_of(1));
  EXPECT_EQ(encode(get, 1), resp({"GET", "a {b}\r\n\"000000000001"}));
}

}  // namespace
}  // namespace redisload
