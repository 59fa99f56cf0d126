// One convolution with its optional norm, optional 2x2 pool and ReLU, forward and backward.
#pragma once
#include <cmath>
#include <cstdlib>
#include <vector>
#include "kernels.hpp"

// Zeroed, 64-byte aligned storage that lives as long as the process.
template <class T>
static T* room(long count) {
  void* p = aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64);
  memset(p, 0, (count * sizeof(T) + 63) / 64 * 64);
  return (T*)p;
}

// Affine norm over the batch: y -> scale * y + shift per channel, and its gradient.
struct Norm {
  bool on = false;
  int n = 0;
  long gamma = 0, beta = 0, mean_at = 0, var_at = 0;  // places in the flat vectors
  std::vector<float> scale, shift, mean, inv, a, b;
  std::vector<double> s1, s2;

  void init(int channels) {
    n = channels;
    for (auto* v : {&scale, &shift, &mean, &inv, &a, &b}) v->assign(n, 0.f);
    scale.assign(n, 1.f);
    s1.assign(n, 0), s2.assign(n, 0);
  }
  void clear() { s1.assign(n, 0), s2.assign(n, 0); }
  // from sums of y - bias and of its square over `count` values a channel
  void from_batch(const float* params, const float* bias, float* stats, double count) {
    if (!on) return;
    for (int c = 0; c < n; c++) {
      double m = s1[c] / count, var = s2[c] / count - m * m;
      var = var < 0 ? 0 : var;
      stats[mean_at + c] = mean[c] = m + bias[c];
      stats[var_at + c] = var * count / (count - 1);
      set(params, c, var);
    }
    clear();
  }
  void from_stats(const float* params, const float* stats) {
    if (!on) return;
    for (int c = 0; c < n; c++) mean[c] = stats[mean_at + c], set(params, c, stats[var_at + c]);
  }
  void set(const float* params, int c, double var) {
    inv[c] = 1 / std::sqrt(var + 1e-5);
    scale[c] = params[gamma + c] * inv[c];
    shift[c] = params[beta + c] - mean[c] * scale[c];
  }
  // from sums of dz and of dz * y: gradients of gamma and beta, and dy = scale * dz + a + b * y
  void back(float* grad, double count) {
    if (!on) return;
    for (int c = 0; c < n; c++) {
      const double along = (s2[c] - mean[c] * s1[c]) * inv[c];
      grad[gamma + c] = along, grad[beta + c] = s1[c];
      b[c] = -scale[c] * inv[c] * along / count;
      a[c] = -scale[c] * s1[c] / count - b[c] * mean[c];
    }
    clear();
  }
};

struct Layer {
  int IC, OC, K, IH, OH, PH;  // PH: side after the pool
  bool pool;
  long w, b;  // places in the flat parameters
  Norm norm;
  int groups;
  v8 *Y, *A, *dA;              // [groups][OC][OH][OH] before the norm; [groups][OC][PH][PH] after ReLU; its gradient
  v8 *pad, *acc, *bsum;        // gradient of Y with a zero border; weight and bias gradients of the batch
  float *wf, *wb;
  long side;

  void init(int ic, int oc, int k, int ih, int oh, bool with_pool, bool with_norm, int g) {
    IC = ic, OC = oc, K = k, IH = ih, OH = oh, pool = with_pool, groups = g;
    PH = pool ? OH / 2 : OH;
    norm.on = with_norm;
    norm.init(OC);
    side = IH + K - 1;
    Y = room<v8>((long)g * OC * OH * OH + 64);
    A = pool || with_norm ? room<v8>((long)g * OC * PH * PH + 64) : Y;
    dA = room<v8>((long)g * OC * PH * PH);
    pad = room<v8>(OC * side * side + 64);
    acc = room<v8>((long)OC * IC * K * K);
    bsum = room<v8>(OC);
    wf = room<float>((long)OC * IC * K * K);
    wb = room<float>((long)OC * IC * K * K);
  }
  void load(const float* params) {
    pack(params + w, OC, IC, K, wf, false);
    pack(params + w, OC, IC, K, wb, true);
    memset((void*)acc, 0, sizeof(v8) * OC * IC * K * K);
    memset((void*)bsum, 0, sizeof(v8) * OC);
    norm.clear();
  }
  v8* y(int g) { return Y + (long)g * OC * OH * OH; }
  v8* a(int g) { return A + (long)g * OC * PH * PH; }
  v8* da(int g) { return dA + (long)g * OC * PH * PH; }
  Map out(int g) { return {a(g), PH, (long)PH * PH}; }

  void forward(Map in, const float* params, int g, bool sums) {
    conv(K, in, IC, wf, params + b, {y(g), OH, (long)OH * OH}, OC, OH, OH);
    if (!norm.on || !sums) return;
    for (int c = 0; c < OC; c++) {
      const v8* p = y(g) + (long)c * OH * OH;
      // shifted by the bias, which is near enough to the mean for float32 sums
      const v8 shift = bc(params[b + c]);
      v8 s1 = {}, s2 = {};
      for (int i = 0; i < OH * OH; i++) {
        const v8 d = p[i] - shift;
        s1 += d, s2 += d * d;
      }
      norm.s1[c] += hsum(s1), norm.s2[c] += hsum(s2);
    }
  }
  void activate(int g) {
    const v8 zero = {};
    for (int c = 0; c < OC; c++) {
      const v8 s = bc(norm.scale[c]), t = bc(norm.shift[c]);
      const v8* p = y(g) + (long)c * OH * OH;
      v8* q = a(g) + (long)c * PH * PH;
      if (!pool) {
        for (int i = 0; i < OH * OH; i++) q[i] = vmax(s * p[i] + t, zero);
        continue;
      }
      for (int r = 0; r < PH; r++, p += 2 * OH)
        for (int x = 0; x < PH; x++) {
          const v8 *u = p + 2 * x, *l = u + OH;
          *q++ = vmax(vmax(vmax(s * u[0] + t, s * u[1] + t), vmax(s * l[0] + t, s * l[1] + t)), zero);
        }
    }
  }
  // calls f(c, r, x, dz, y) for the gradient dz of each normed value; r and x in 0..OH
  template <class F>
  inline void each(int g, int c, F f) {
    const v8 s = bc(norm.scale[c]), t = bc(norm.shift[c]), zero = {};
    const v8 *p = y(g) + (long)c * OH * OH, *d = da(g) + (long)c * PH * PH;
    if (!pool) {
      // an in-place ReLU leaves exactly the values above zero
      for (int r = 0; r < OH; r++)
        for (int x = 0; x < OH; x++, p++, d++) f(r, x, keep(s * *p + t > zero, *d), *p);
      return;
    }
    for (int r = 0; r < PH; r++, p += 2 * OH)
      for (int x = 0; x < PH; x++, d++) {
        const v8 *u = p + 2 * x, *l = u + OH;
        const v8 z0 = s * u[0] + t, z1 = s * u[1] + t, z2 = s * l[0] + t, z3 = s * l[1] + t;
        const v8 m = vmax(vmax(z0, z1), vmax(z2, z3));
        const v8 live = keep(m > zero, *d);
        // among equals the first wins, as in PyTorch
        const i8 k0 = z0 == m, k1 = (z1 == m) & ~k0, k2 = (z2 == m) & ~(k0 | k1), k3 = ~(k0 | k1 | k2);
        f(2 * r, 2 * x, keep(k0, live), u[0]);
        f(2 * r, 2 * x + 1, keep(k1, live), u[1]);
        f(2 * r + 1, 2 * x, keep(k2, live), l[0]);
        f(2 * r + 1, 2 * x + 1, keep(k3, live), l[1]);
      }
  }
  void reduce(int g) {
    if (!norm.on) return;
    for (int c = 0; c < OC; c++) {
      v8 s1 = {}, s2 = {};
      each(g, c, [&](int, int, v8 dz, v8 yv) { s1 += dz, s2 += dz * yv; });
      norm.s1[c] += hsum(s1), norm.s2[c] += hsum(s2);
    }
  }
  // weight gradients of group g, and the input's gradient into dx unless null
  void backward(Map in, v8* dx, int g) {
    const long ch = side * side;
    v8* origin = pad + (K - 1) * side + (K - 1);
    for (int c = 0; c < OC; c++) {
      const v8 s = bc(norm.scale[c]), na = bc(norm.a[c]), nb = bc(norm.b[c]);
      v8 sum = {};
      v8* q = origin + c * ch;
      const bool plain = !norm.on;
      each(g, c, [&](int r, int x, v8 dz, v8 yv) {
        const v8 d = plain ? dz : s * dz + na + nb * yv;
        sum += d;
        q[r * side + x] = d;
      });
      bsum[c] += sum;
    }
    wgrad(K, {origin, side, ch}, OC, OH, OH, in, IC, acc);
    if (dx) conv(K, {pad, side, ch}, OC, wb, nullptr, {dx, IH, (long)IH * IH}, IC, IH, IH);
  }
  void write_grad(float* grad) {
    const int OB = block_of(OC), T = K * K;
    for (int o = 0; o < OC; o++) {
      grad[b + o] = hsum(bsum[o]);
      for (int c = 0; c < IC; c++)
        for (int t = 0; t < T; t++)
          grad[w + ((long)o * IC + c) * T + t] = hsum(acc[((long)(o / OB) * OB * IC + (long)c * OB) * T + t * OB + o % OB]);
    }
  }
};
