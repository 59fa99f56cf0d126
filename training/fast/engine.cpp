// Forward and backward of the whole network for one batch, on one core, plus the random views.
// Same order of parameters and statistics as PyTorch's named_parameters and named_buffers.
#include <cstdint>
#include "layer.hpp"

static const int S = 48, P = S + 3;  // image side, and with its zero border for the sampler

struct Engine {
  int batch, groups, hidden, loc_hidden;
  bool align, aux;
  Layer L1, L2, C1, C2, C3, C4;
  Norm N1;
  long f1w, f1b, f2w, f2b, d1w, d1b, d2w, d2b, n_params, n_stats;
  int n1, nl;  // inputs of fc1 and of fc_loc.0
  v8 *X0, *XS, *src, *drop, *F1, *dF1, *T, *dT, *H, *HA, *dH, *Z, *dZ, *dS, *G;
  const float *params;
  v8* x0(int g) { return X0 + (long)g * P * P; }
  Map x0_map(int g) { return {x0(g) + P + 1, P, (long)P * P}; }
  v8* xs(int g) { return XS + (long)g * S * S; }

  void init(const int* c) {
    batch = c[0], groups = batch / 8, align = c[1], aux = c[2], loc_hidden = c[5], hidden = c[10];
    const int g = groups, l1 = c[3], l2 = c[4];
    L1.init(1, l1, 7, S, 42, true, aux, g);
    L2.init(l1, l2, 5, 21, 16, true, aux, g);
    C1.init(1, c[6], 3, S, 46, false, aux, g);
    C2.init(c[6], c[7], 3, 46, 44, true, aux, g);
    C3.init(c[7], c[8], 3, 22, 20, false, aux, g);
    C4.init(c[8], c[9], 3, 20, 18, true, true, g);
    N1.on = aux, N1.init(hidden);
    n1 = C4.OC * 81, nl = l2 * 64;
    long at = 0, st = 0;
    auto take = [&](long n) { at += n; return at - n; };
    auto conv_at = [&](Layer& l) { l.w = take((long)l.OC * l.IC * l.K * l.K), l.b = take(l.OC); };
    auto norm_at = [&](Norm& n) {
      n.gamma = take(n.n), n.beta = take(n.n), n.mean_at = st, n.var_at = st + n.n, st += 2 * n.n;
    };
    conv_at(L1), conv_at(L2);
    f1w = take((long)nl * loc_hidden), f1b = take(loc_hidden), f2w = take(6 * loc_hidden), f2b = take(6);
    conv_at(C1), conv_at(C2), conv_at(C3), conv_at(C4);
    norm_at(C4.norm);
    d1w = take((long)n1 * hidden), d1b = take(hidden), d2w = take(7 * hidden), d2b = take(7);
    if (aux) norm_at(L1.norm), norm_at(L2.norm), norm_at(C1.norm), norm_at(C2.norm), norm_at(C3.norm), norm_at(N1);
    n_params = at, n_stats = st;
    X0 = room<v8>((long)g * P * P), XS = room<v8>((long)g * S * S), src = room<v8>((S + 1) * (S + 1));
    drop = room<v8>((long)g * n1);
    F1 = room<v8>(g * loc_hidden), dF1 = room<v8>(g * loc_hidden), T = room<v8>(g * 6), dT = room<v8>(g * 6);
    H = room<v8>(g * hidden), HA = room<v8>(g * hidden), dH = room<v8>(g * hidden);
    Z = room<v8>(g * 7), dZ = room<v8>(g * 7), dS = room<v8>(S * S);
    G = room<v8>((long)g * (n1 > nl ? n1 : nl));
  }

  static i8 corners(v8 fx, v8 fy, int row, i8& lanes) {
    return (__builtin_convertvector(fy, i8) * row + __builtin_convertvector(fx, i8)) * 8 + lanes;
  }
  static v8 gather(const v8* p, i8 at) { return (v8)_mm256_i32gather_ps((const float*)p, (__m256i)at, 4); }
  static v8 floor_(v8 a) { return (v8)_mm256_floor_ps((__m256)a); }
  i8 lanes = {0, 1, 2, 3, 4, 5, 6, 7};

  // pixels [8][48][48] and, unless null, views [8][12] -> the zero-bordered input of group g
  void load(int g, const uint8_t* px, const float* views) {
    v8* out = x0(g) + P + 1;
    v8* to = views ? src : out;
    const int row = views ? S + 1 : P;
    for (int y = 0; y < S; y++)
      for (int x = 0; x < S; x++) {
        v8 v;
        for (int k = 0; k < 8; k++) v[k] = px[k * S * S + y * S + x] / 127.5f - 1;
        to[y * row + x] = v;
      }
    if (!views) return;
    v8 v[12];
    for (int i = 0; i < 12; i++)
      for (int k = 0; k < 8; k++) v[i][k] = views[k * 12 + i];
    const v8 zero = {}, top = bc(S - 1);
    for (int y = 0; y < S; y++)
      for (int x = 0; x < S; x++) {
        const float bx = (2 * x + 1) / 48.f - 1, by = (2 * y + 1) / 48.f - 1;
        const v8 ix = vmin(vmax((v[0] * bx + v[1] * by + v[2] + 1) * 24 - .5f, zero), top);
        const v8 iy = vmin(vmax((v[3] * bx + v[4] * by + v[5] + 1) * 24 - .5f, zero), top);
        const v8 fx = floor_(ix), fy = floor_(iy), wx = ix - fx, wy = iy - fy;
        const i8 at = corners(fx, fy, S + 1, lanes);
        const v8 a = gather(src, at), b = gather(src + 1, at), c = gather(src + S + 1, at), d = gather(src + S + 2, at);
        const v8 u = a + (b - a) * wx, l = c + (d - c) * wx;
        const v8 dy = (float)y - v[8], dx = (float)x - v[9];
        const i8 hole = (vmax(dy, -dy) <= v[10]) & (vmax(dx, -dx) <= v[11]);
        out[y * P + x] = keep(~hole, (u + (l - u) * wy) * v[6] + v[7]);
      }
  }

  // the spatial transformer; with `back`, dS becomes the gradient of θ
  void sample(int g, bool back) {
    const v8* t = T + g * 6;
    v8 d[6] = {};
    const float half = align ? 23.5f : 24.f, bias = align ? 0.f : .5f;
    const v8 low = bc(-1), high = bc(S);
    for (int y = 0; y < S; y++)
      for (int x = 0; x < S; x++) {
        const float bx = align ? 2 * x / 47.f - 1 : (2 * x + 1) / 48.f - 1, by = align ? 2 * y / 47.f - 1 : (2 * y + 1) / 48.f - 1;
        const v8 px = (t[0] * bx + t[1] * by + t[2] + 1) * half - bias, py = (t[3] * bx + t[4] * by + t[5] + 1) * half - bias;
        const v8 ix = vmin(vmax(px, low), high), iy = vmin(vmax(py, low), high);
        const v8 fx = floor_(ix), fy = floor_(iy), wx = ix - fx, wy = iy - fy;
        const i8 at = corners(fx + 1, fy + 1, P, lanes);
        const v8* p = x0(g);
        const v8 a = gather(p, at), b = gather(p + 1, at), c = gather(p + P, at), e = gather(p + P + 1, at);
        const v8 u = a + (b - a) * wx, l = c + (e - c) * wx;
        if (!back) {
          xs(g)[y * S + x] = u + (l - u) * wy;
          continue;
        }
        const v8 up = dS[y * S + x] * half;
        const v8 gx = keep(ix == px, up * ((b - a) * (1 - wy) + (e - c) * wy)), gy = keep(iy == py, up * (l - u));
        d[0] += gx * bx, d[1] += gx * by, d[2] += gx, d[3] += gy * bx, d[4] += gy * by, d[5] += gy;
      }
    if (back)
      for (int i = 0; i < 6; i++) dT[g * 6 + i] = d[i];
  }

  void loc_head(int g) {
    dense(L2.a(g), nl, params + f1w, params + f1b, F1 + g * loc_hidden, loc_hidden);
    for (int j = 0; j < loc_hidden; j++) F1[g * loc_hidden + j] = vmax(F1[g * loc_hidden + j], v8{});
    dense(F1 + g * loc_hidden, loc_hidden, params + f2w, params + f2b, T + g * 6, 6);
    sample(g, false);
  }
  void head(int g) {
    for (int j = 0; j < hidden; j++) HA[g * hidden + j] = vmax(H[g * hidden + j] * N1.scale[j] + N1.shift[j], v8{});
    dense(HA + g * hidden, hidden, params + d2w, params + d2b, Z + g * 7, 7);
  }
  void fc1(int g, const float* keep_mask) {
    v8* a = C4.a(g);
    if (keep_mask)
      for (int i = 0; i < n1; i++) {
        for (int k = 0; k < 8; k++) drop[(long)g * n1 + i][k] = keep_mask[(long)(g * 8 + k) * n1 + i];
        a[i] *= drop[(long)g * n1 + i];
      }
    dense(a, n1, params + d1w, params + d1b, H + g * hidden, hidden);
  }

  void prepare(const float* p) {
    params = p;
    for (Layer* l : {&L1, &L2, &C1, &C2, &C3, &C4}) l->load(p);
    N1.clear();
  }

  // statistics of `stats` are used where it is given, else those of the batch go to `seen`
  void forward(int n, const uint8_t* px, const float* views, const float* keep_mask, const float* stats, float* seen) {
    const bool batch_norm = !stats;
    auto ready = [&](Norm& norm, long bias, double count) {
      if (batch_norm) norm.from_batch(params, params + bias, seen, count);
    };
    if (stats)
      for (Norm* norm : {&L1.norm, &L2.norm, &C1.norm, &C2.norm, &C3.norm, &C4.norm, &N1}) norm->from_stats(params, stats);
    const bool split = aux && batch_norm;
    // without norms in between, a group stays in the cache from end to end
    auto phase = [&](auto f) { for (int g = 0; g < n; g++) f(g); };
    auto s1 = [&](int g) { load(g, px + (long)g * 8 * S * S, views ? views + g * 96 : nullptr); L1.forward(x0_map(g), params, g, batch_norm); };
    auto s2 = [&](int g) { L1.activate(g); L2.forward(L1.out(g), params, g, batch_norm); };
    auto s3 = [&](int g) { L2.activate(g); loc_head(g); C1.forward({xs(g), S, S * S}, params, g, batch_norm); };
    auto s4 = [&](int g) { C1.activate(g); C2.forward(C1.out(g), params, g, batch_norm); };
    auto s5 = [&](int g) { C2.activate(g); C3.forward(C2.out(g), params, g, batch_norm); };
    auto s6 = [&](int g) { C3.activate(g); C4.forward(C3.out(g), params, g, batch_norm); };
    const double faces = n * 8.0;
    if (split) {
      phase(s1), ready(L1.norm, L1.b, faces * 42 * 42);
      phase(s2), ready(L2.norm, L2.b, faces * 16 * 16);
      phase(s3), ready(C1.norm, C1.b, faces * 46 * 46);
      phase(s4), ready(C2.norm, C2.b, faces * 44 * 44);
      phase(s5), ready(C3.norm, C3.b, faces * 20 * 20);
      phase(s6);
    } else {
      phase([&](int g) { s1(g), s2(g), s3(g), s4(g), s5(g), s6(g); });
    }
    ready(C4.norm, C4.b, faces * 18 * 18);
    phase([&](int g) { C4.activate(g), fc1(g, keep_mask); });
    if (split) {
      for (int j = 0; j < hidden; j++)
        for (int g = 0; g < n; g++) {
          const v8 d = H[g * hidden + j] - params[d1b + j];
          N1.s1[j] += hsum(d), N1.s2[j] += hsum(d * d);
        }
      ready(N1, d1b, faces);
    }
    phase([&](int g) { head(g); });
  }

  float step(const float* p, const uint8_t* px, const float* views, const float* targets, const float* keep_mask, float* grad, float* seen) {
    prepare(p);
    forward(groups, px, views, keep_mask, nullptr, seen);
    double loss = 0;
    for (int g = 0; g < groups; g++)
      for (int k = 0; k < 8; k++) {
        float z[7], m = -1e30f, sum = 0;
        for (int j = 0; j < 7; j++) z[j] = Z[g * 7 + j][k], m = z[j] > m ? z[j] : m;
        for (int j = 0; j < 7; j++) sum += std::exp(z[j] - m);
        const float lse = m + std::log(sum);
        const float* t = targets + (g * 8 + k) * 7;
        for (int j = 0; j < 7; j++) {
          loss -= t[j] * (z[j] - lse);
          dZ[g * 7 + j][k] = (std::exp(z[j] - lse) - t[j]) / batch;
        }
      }
    const double faces = batch;
    auto phase = [&](auto f) { for (int g = 0; g < groups; g++) f(g); };
    phase([&](int g) {
      dense_back(dZ + g * 7, 7, params + d2w, dH + g * hidden, hidden);
      for (int j = 0; j < hidden; j++) {
        v8& d = dH[g * hidden + j];
        d = keep(HA[g * hidden + j] > v8{}, d);
        if (aux) N1.s1[j] += hsum(d), N1.s2[j] += hsum(d * H[g * hidden + j]);
      }
    });
    dense_wgrad(dZ, 7, HA, hidden, groups, grad + d2w, grad + d2b);
    N1.back(grad, faces);
    if (aux)
      phase([&](int g) {
        for (int j = 0; j < hidden; j++) dH[g * hidden + j] = dH[g * hidden + j] * N1.scale[j] + N1.a[j] + H[g * hidden + j] * N1.b[j];
      });
    dense_wgrad(dH, hidden, C4.A, n1, groups, grad + d1w, grad + d1b);
    phase([&](int g) {
      v8* d = C4.da(g);
      dense_back(dH + g * hidden, hidden, params + d1w, d, n1);
      if (keep_mask)
        for (int i = 0; i < n1; i++) d[i] *= drop[(long)g * n1 + i];
      C4.reduce(g);
    });
    C4.norm.back(grad, faces * 18 * 18);
    auto s6 = [&](int g) { C4.backward(C3.out(g), C3.da(g), g); C3.reduce(g); };
    auto s5 = [&](int g) { C3.backward(C2.out(g), C2.da(g), g); C2.reduce(g); };
    auto s4 = [&](int g) { C2.backward(C1.out(g), C1.da(g), g); C1.reduce(g); };
    auto s3 = [&](int g) {
      C1.backward({xs(g), S, S * S}, dS, g);
      sample(g, true);
      v8* d = dF1 + g * loc_hidden;
      dense_back(dT + g * 6, 6, params + f2w, d, loc_hidden);
      for (int j = 0; j < loc_hidden; j++) d[j] = keep(F1[g * loc_hidden + j] > v8{}, d[j]);
      dense_back(d, loc_hidden, params + f1w, L2.da(g), nl);
      L2.reduce(g);
    };
    auto s2 = [&](int g) { L2.backward(L1.out(g), L1.da(g), g); L1.reduce(g); };
    auto s1 = [&](int g) { L1.backward(x0_map(g), nullptr, g); };
    if (aux) {
      phase(s6), C3.norm.back(grad, faces * 400);
      phase(s5), C2.norm.back(grad, faces * 44 * 44);
      phase(s4), C1.norm.back(grad, faces * 46 * 46);
      phase(s3), L2.norm.back(grad, faces * 256);
      phase(s2), L1.norm.back(grad, faces * 42 * 42);
      phase(s1);
    } else {
      phase([&](int g) { s6(g), s5(g), s4(g), s3(g), s2(g), s1(g); });
    }
    dense_wgrad(dT, 6, F1, loc_hidden, groups, grad + f2w, grad + f2b);
    dense_wgrad(dF1, loc_hidden, L2.A, nl, groups, grad + f1w, grad + f1b);
    for (Layer* l : {&L1, &L2, &C1, &C2, &C3, &C4}) l->write_grad(grad);
    return loss / batch;
  }
};

extern "C" {
Engine* engine_new(const int* config) { Engine* e = new Engine; e->init(config); return e; }
long engine_params(Engine* e) { return e->n_params; }
long engine_stats(Engine* e) { return e->n_stats; }
float engine_step(Engine* e, const float* p, const uint8_t* px, const float* views, const float* targets, const float* keep_mask,
                  float* grad, float* seen) {
  return e->step(p, px, views, targets, keep_mask, grad, seen);
}
// batch statistics of one batch, forward only
void engine_observe(Engine* e, const float* p, const uint8_t* px, const float* views, float* seen) {
  e->prepare(p);
  e->forward(e->groups, px, views, nullptr, nullptr, seen);
}
// logits [n][7]; n is a multiple of 8 and at most the batch
void engine_logits(Engine* e, const float* p, const float* stats, const uint8_t* px, const float* views, int n, float* logits) {
  e->prepare(p);
  e->forward(n / 8, px, views, nullptr, stats, nullptr);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < 7; j++) logits[i * 7 + j] = e->Z[i / 8 * 7 + j][i % 8];
}
}
