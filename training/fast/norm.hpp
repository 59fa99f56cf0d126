// Batch norm with ReLU over rows of channels (channels-last images), forward and backward; Ioffe & Szegedy 2015, https://arxiv.org/abs/1502.03167.
// Sums run in float over 256 rows and in double over those.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

constexpr long ROWS = 256;

/** x [rows, c] -> y = max(0, gamma (x - mean) inv + beta); writes mean, inv = 1 / sqrt(var + eps) and the biased variance. */
inline void normForward(const float* x, const float* gamma, const float* beta, float* y, float* mean, float* inv, float* variance, long rows, int c, float eps) {
  std::vector<double> sum(c, 0), squares(c, 0);
  std::vector<float> s(c), q(c), scale(c), shift(c);
  for (long begin = 0; begin < rows; begin += ROWS) {
    std::fill(s.begin(), s.end(), 0.f), std::fill(q.begin(), q.end(), 0.f);
    const long end = std::min(rows, begin + ROWS);
    for (long r = begin; r < end; r++) {
      const float* at = x + r * c;
      for (int k = 0; k < c; k++) s[k] += at[k], q[k] += at[k] * at[k];
    }
    for (int k = 0; k < c; k++) sum[k] += s[k], squares[k] += q[k];
  }
  for (int k = 0; k < c; k++) {
    const double m = sum[k] / rows, v = std::max(0.0, squares[k] / rows - m * m);
    mean[k] = float(m), variance[k] = float(v), inv[k] = float(1 / std::sqrt(v + eps));
    scale[k] = gamma[k] * inv[k], shift[k] = beta[k] - mean[k] * scale[k];
  }
  const float *a = scale.data(), *b = shift.data();
  for (long r = 0; r < rows; r++) {
    const float* at = x + r * c;
    float* to = y + r * c;
    for (int k = 0; k < c; k++) to[k] = std::max(0.f, at[k] * a[k] + b[k]);
  }
}

/** dx [rows, c] (may be dy itself), dgamma and dbeta from dy and the x, gamma, beta, mean and inv of the forward pass. */
inline void normBackward(const float* x, const float* gamma, const float* beta, const float* mean, const float* inv, const float* dy, float* dx, float* dgamma, float* dbeta, long rows, int c) {
  std::vector<double> sum(c, 0), along(c, 0);
  std::vector<float> s(c), q(c), scale(c), shift(c), constant(c), slope(c);
  for (int k = 0; k < c; k++) scale[k] = gamma[k] * inv[k], shift[k] = beta[k] - mean[k] * scale[k];
  const float *a = scale.data(), *b = shift.data();
  for (long begin = 0; begin < rows; begin += ROWS) {
    std::fill(s.begin(), s.end(), 0.f), std::fill(q.begin(), q.end(), 0.f);
    float *ps = s.data(), *pq = q.data();
    const long end = std::min(rows, begin + ROWS);
    for (long r = begin; r < end; r++) {
      const float *at = x + r * c, *g = dy + r * c;
      for (int k = 0; k < c; k++) {
        const float passed = at[k] * a[k] + b[k] > 0 ? g[k] : 0.f;
        ps[k] += passed, pq[k] += passed * (at[k] - mean[k]);
      }
    }
    for (int k = 0; k < c; k++) sum[k] += s[k], along[k] += q[k];
  }
  for (int k = 0; k < c; k++) {
    dbeta[k] = float(sum[k]), dgamma[k] = float(along[k] * inv[k]);
    slope[k] = float(-scale[k] * along[k] * inv[k] * inv[k] / rows);
    constant[k] = float(-scale[k] * sum[k] / rows) - slope[k] * mean[k];
  }
  const float *o = constant.data(), *t = slope.data();
  for (long r = 0; r < rows; r++) {
    const float *at = x + r * c, *g = dy + r * c;
    float* to = dx + r * c;
    for (int k = 0; k < c; k++) to[k] = (at[k] * a[k] + b[k] > 0 ? g[k] : 0.f) * a[k] + at[k] * t[k] + o[k];
  }
}
