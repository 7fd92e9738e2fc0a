#include "support/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>

namespace redisload::test {
namespace {

// The regularised upper incomplete gamma function Q(a, x): the series (DLMF 8.7.1) below a + 1,
// Legendre's continued fraction (DLMF 8.9.2) by Lentz's method above.
double gamma_q(double a, double x) {
  if (x <= 0.0) return 1.0;
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1.0) {
    double term = 1.0 / a;
    double sum = term;
    for (int i = 1; i < 100'000 && term > sum * 1e-15; ++i) {
      term *= x / (a + i);
      sum += term;
    }
    return 1.0 - front * sum;
  }
  double b = x + 1.0 - a;
  double c = 1e300;
  double d = 1.0 / b;
  double h = d;
  for (int i = 1; i < 100'000; ++i) {
    const double an = -i * (i - a);
    b += 2.0;
    d = 1.0 / (an * d + b);
    c = b + an / c;
    h *= d * c;
    if (std::abs(d * c - 1.0) < 1e-14) break;
  }
  return front * h;
}

}  // namespace

double chi_square_p(const std::vector<double>& observed, const std::vector<double>& expected) {
  double statistic = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (expected[i] < 10.0) throw std::invalid_argument("fewer than 10 expected in a bin");
    const double difference = observed.at(i) - expected[i];
    statistic += difference * difference / expected[i];
  }
  return gamma_q(static_cast<double>(expected.size() - 1) / 2.0, statistic / 2.0);
}

double kolmogorov_smirnov_p(std::vector<double> sample, const std::function<double(double)>& cdf) {
  std::sort(sample.begin(), sample.end());
  const double n = static_cast<double>(sample.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double at = cdf(sample[i]);
    const double below = static_cast<double>(i) / n;
    distance = std::max({distance, at - below, below + 1.0 / n - at});
  }
  // Kolmogorov's series with Stephens' correction for a finite sample.
  const double lambda = (std::sqrt(n) + 0.12 + 0.11 / std::sqrt(n)) * distance;
  if (lambda < 0.2) return 1.0;
  double p = 0.0;
  for (int k = 1; k <= 100; ++k) {
    p += (k % 2 == 1 ? 2.0 : -2.0) * std::exp(-2.0 * k * k * lambda * lambda);
  }
  return std::clamp(p, 0.0, 1.0);
}

double dispersion(const std::vector<double>& counts) {
  double mean = 0.0;
  for (const double count : counts) mean += count / static_cast<double>(counts.size());
  double variance = 0.0;
  for (const double count : counts) variance += (count - mean) * (count - mean);
  return variance / static_cast<double>(counts.size() - 1) / mean;
}

}  // namespace redisload::test
