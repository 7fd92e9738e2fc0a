// A pool's clients: one holder at a time, waits as arithmetic has them, connections as needed.
#include "redisload/net/client_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "support/fake_clock.hpp"
#include "support/simulated_time.hpp"

namespace redisload {
namespace {

using test::SimulatedFreeClients;
using test::SimulatedTime;

// Connects at once, or not at all.
class OneWayTransport final : public Transport {
 public:
  explicit OneWayTransport(const bool& refuses) : refuses_(refuses) {}
  IoResult connect(const Address&) override {
    return refuses_ ? IoResult{IoStatus::failed, 0, ECONNREFUSED} : IoResult{};
  }
  IoResult finish_connect() override { return {}; }
  IoResult read(char*, std::size_t) override { return {IoStatus::blocked, 0, 0}; }
  IoResult write(const char*, std::size_t size) override { return {IoStatus::ok, size, 0}; }
  bool has_pending() const override { return false; }
  void close() override {}
  int descriptor() const override { return -1; }

 private:
  const bool& refuses_;
};

class ClientPoolTest : public ::testing::Test {
 protected:
  ClientPoolTest() {
    Address address;
    address.text = "a:1";
    setup_.addresses = {address};
    setup_.connect_timeout = std::chrono::seconds(5);
    make_ = [this](std::uint32_t number) {
      return std::make_unique<Connection>(number, setup_, Handshake{},
                                          std::make_unique<OneWayTransport>(refuses_), Random(1));
    };
  }
  ClientPool pool(std::uint32_t clients, std::unique_ptr<FreeClients> free) {
    return {clients, 50, 1000, make_, std::move(free)};
  }

  bool refuses_ = false;
  ConnectionSetup setup_;
  MakeConnection make_;
};

// --- waits, on a fake clock ----------------------------------------------------------

struct Waits {
  std::vector<std::int64_t> waited_ns;
  std::int64_t elapsed_ns = 0;
};

// Threads that take a client, keep it for exactly 10 ms and give it back, so many times each.
Waits use_clients(ClientPool& pool, SimulatedTime& time, std::size_t threads, std::size_t times) {
  for (const auto& client : pool.clients()) pool.give_back(*client);
  std::vector<std::vector<std::int64_t>> waited(threads);
  std::vector<std::thread> running;
  const std::int64_t start_ns = time.now_ns();
  for (auto& mine : waited) {
    running.emplace_back([&pool, &time, &mine, times] {
      for (std::size_t k = 0; k < times; ++k) {
        const std::int64_t asked_ns = time.now_ns();
        const Client* client = pool.take(kNever, 0);
        mine.push_back(time.now_ns() - asked_ns);
        time.sleep(10 * kMillisecond);
        pool.give_back(*client);
      }
      time.leave();
    });
  }
  for (auto& thread : running) thread.join();
  Waits all;
  for (const auto& mine : waited)
    all.waited_ns.insert(all.waited_ns.end(), mine.begin(), mine.end());
  all.elapsed_ns = time.now_ns() - start_ns;
  return all;
}

double mean_ms(const Waits& waits) {
  const auto sum = std::accumulate(waits.waited_ns.begin(), waits.waited_ns.end(), 0.0);
  return sum / static_cast<double>(waits.waited_ns.size()) / 1e6;
}

TEST_F(ClientPoolTest, FourThreadsOnOneClientWaitThreeServices) {
  SimulatedTime time(4);
  ClientPool one = pool(1, std::make_unique<SimulatedFreeClients>(time));
  const Waits waits = use_clients(one, time, 4, 1'000);
  EXPECT_NEAR(mean_ms(waits), 30.0, 0.3);
  EXPECT_EQ(waits.elapsed_ns, 4'000 * 10 * kMillisecond);  // the client never rested
}

TEST_F(ClientPoolTest, FourThreadsOnTwoClientsWaitOneService) {
  SimulatedTime time(4);
  ClientPool two = pool(2, std::make_unique<SimulatedFreeClients>(time));
  const Waits waits = use_clients(two, time, 4, 1'000);
  EXPECT_NEAR(mean_ms(waits), 10.0, 0.1);
  EXPECT_EQ(waits.elapsed_ns, 2'000 * 10 * kMillisecond);
}

TEST_F(ClientPoolTest, AClientForEachThreadNeedsNoWait) {
  SimulatedTime time(4);
  ClientPool four = pool(4, std::make_unique<SimulatedFreeClients>(time));
  const Waits waits = use_clients(four, time, 4, 100);
  EXPECT_EQ(mean_ms(waits), 0.0);
}

TEST_F(ClientPoolTest, AWaitEndsAtItsTime) {
  SimulatedTime time(1);
  ClientPool one = pool(1, std::make_unique<SimulatedFreeClients>(time));
  const std::int64_t asked_ns = time.now_ns();
  EXPECT_EQ(one.take(asked_ns + 70 * kMillisecond, asked_ns),
            nullptr);  // held by who opens connections
  EXPECT_EQ(time.now_ns() - asked_ns, 70 * kMillisecond);
}

// --- the real free list --------------------------------------------------------------

TEST(FreeClientLineTest, GivesEachClientToOneThreadAtATime) {
  constexpr std::uint32_t kClients = 3;
  constexpr int kTimes = 5'000;
  const MonotonicClock clock;
  FreeClientLine free(kClients, clock);
  for (std::uint32_t i = 0; i < kClients; ++i) free.give(i);
  std::vector<std::atomic<int>> holders(kClients);
  std::atomic<int> violations{0}, taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 6; ++t) {
    threads.emplace_back([&] {
      for (int k = 0; k < kTimes; ++k) {
        const auto client = free.take(clock.now_ns() + 30 * kSecond, 0);
        if (!client) continue;
        if (holders[*client].fetch_add(1) != 0) ++violations;
        ++taken;
        holders[*client].fetch_sub(1);
        free.give(*client);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(violations, 0);
  EXPECT_EQ(taken, 6 * kTimes);
}

TEST(FreeClientLineTest, OnlyLooksWhenTheTimeIsOver) {
  const test::FakeClock clock;  // a wait on it would not end
  FreeClientLine free(1, clock);
  EXPECT_FALSE(free.take(clock.now_ns(), 0).has_value());
  free.give(0);
  EXPECT_EQ(free.take(clock.now_ns(), 0), std::optional<std::uint32_t>(0));
  EXPECT_FALSE(free.take(clock.now_ns() - 1, 0).has_value());
}

TEST(FreeClientLineTest, AWaitEndsAtItsTime) {
  const MonotonicClock clock;
  FreeClientLine free(1, clock);
  const std::int64_t until_ns = clock.now_ns() + 20 * kMillisecond;
  EXPECT_FALSE(free.take(until_ns, 0).has_value());
  EXPECT_GE(clock.now_ns(), until_ns);
}

// --- a client's connections ----------------------------------------------------------

TEST_F(ClientPoolTest, ConnectionsAreMadeAsTheyAreNeededWithNumbersOfTheirOwn) {
  SimulatedTime time(1);
  ClientPool two = pool(2, std::make_unique<SimulatedFreeClients>(time));
  Client& second = *two.clients()[1];
  EXPECT_EQ(second.made(), 0U);
  EXPECT_EQ(second.place(0).connection->number(), 1050U);
  EXPECT_EQ(second.place(2).connection->number(), 1052U);
  EXPECT_EQ(second.made(), 3U);
  EXPECT_EQ(two.clients()[0]->made(), 0U);
}

TEST_F(ClientPoolTest, AnIdleConnectionIsReadyAndHoldsNoOperation) {
  Client client(0, 0, 3, make_);
  EXPECT_EQ(client.idle(), nullptr);
  for (std::uint32_t i = 0; i < 2; ++i) ASSERT_TRUE(client.place(i).connection->open(0));
  EXPECT_EQ(client.idle(), &client.place(0));
  client.place(0).connection->window().push();
  EXPECT_EQ(client.idle(), &client.place(1));
  client.place(0).connection->window().drop_unissued();
  EXPECT_EQ(client.idle(), &client.place(1));  // the one used last
  client.place(1).connection->close({});
  EXPECT_EQ(client.idle(), &client.place(0));
}

TEST_F(ClientPoolTest, GrowsUpToItsMostButNotIntoARefusal) {
  Client client(0, 0, 2, make_);
  EXPECT_TRUE(client.may_grow());
  refuses_ = true;
  EXPECT_FALSE(client.place(0).connection->open(0));
  client.place(0).refused = true;
  EXPECT_FALSE(client.may_grow());  // the backoff of the refused one comes first
  client.place(0).reopen_ns = 500;
  EXPECT_EQ(client.due_ns(100), 500);
  EXPECT_EQ(client.due_ns(500), kNever);
  refuses_ = false;
  ASSERT_TRUE(client.place(0).connection->open(500));
  EXPECT_TRUE(client.may_grow());
  EXPECT_EQ(client.due_ns(500), kNever);
  client.place(1);
  EXPECT_FALSE(client.may_grow());
}

// A thread that gives a client back and asks again at once stands behind those who waited.
TEST(FreeClientLineTest, WhoHasWaitedLongestIsServedFirst) {
  const MonotonicClock clock;
  FreeClientLine free(1, clock);
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      const auto client = free.take(clock.now_ns() + 20 * kSecond, t);
      {
        const std::lock_guard lock(mutex);
        order.push_back(t);
      }
      if (client) free.give(*client);
    });
    while (free.waiting() != static_cast<std::size_t>(t + 1)) std::this_thread::yield();
  }
  free.give(0);
  // Whoever holds it hands it on: it is free only after the last of them.
  EXPECT_EQ(free.take(clock.now_ns() + 20 * kSecond, 3), std::optional<std::uint32_t>(0));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  }
  for (std::thread& thread : threads) thread.join();
}

// Threads look after other things now and then: their place in the line is when they first asked.
TEST(FreeClientLineTest, WhoComesBackToWaitOnHasItsOldPlace) {
  const MonotonicClock clock;
  FreeClientLine free(1, clock);
  EXPECT_FALSE(free.take(clock.now_ns() + kMillisecond, 1).has_value());
  std::optional<std::uint32_t> later = 99;
  std::thread other([&] { later = free.take(clock.now_ns() + 300 * kMillisecond, 2); });
  while (free.waiting() != 1) std::this_thread::yield();
  std::optional<std::uint32_t> first;
  std::thread back([&] { first = free.take(clock.now_ns() + 20 * kSecond, 1); });
  while (free.waiting() != 2) std::this_thread::yield();
  free.give(0);
  back.join();
  EXPECT_EQ(first, std::optional<std::uint32_t>(0));
  other.join();
  EXPECT_EQ(later, std::nullopt);
}

}  // namespace
}  // namespace redisload
