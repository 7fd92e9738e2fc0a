// Goodness of fit for tests of distributions. Used at fixed seeds only, so a result never changes.
#pragma once

#include <functional>
#include <vector>

namespace redisload::test {

// The probability of a chi-square at least this large, given the expected counts.
double chi_square_p(const std::vector<double>& observed, const std::vector<double>& expected);

// The probability of a Kolmogorov-Smirnov distance at least this large (asymptotic; n >= 100).
double kolmogorov_smirnov_p(std::vector<double> sample, const std::function<double(double)>& cdf);

// Variance over mean.
double dispersion(const std::vector<double>& counts);

}  // namespace redisload::test
