// Convolution and dense kernels. Every number is a vector of eight faces, so that any channel count fills
// the registers and no layout needs padding to a multiple of eight channels.
#pragma once
#include <immintrin.h>
#include <cstring>

typedef float v8 __attribute__((vector_size(32)));
typedef int i8 __attribute__((vector_size(32)));

#define UNROLL _Pragma("GCC unroll 16")

static inline v8 bc(float f) { return (v8)_mm256_set1_ps(f); }
static inline v8 vmax(v8 a, v8 b) { return (v8)_mm256_max_ps((__m256)a, (__m256)b); }
static inline v8 vmin(v8 a, v8 b) { return (v8)_mm256_min_ps((__m256)a, (__m256)b); }
static inline v8 keep(i8 mask, v8 a) { return (v8)(mask & (i8)a); }
static inline float hsum(v8 a) { return ((a[0] + a[4]) + (a[1] + a[5])) + ((a[2] + a[6]) + (a[3] + a[7])); }

// A map of vectors: element (c, y, x) lies at p[c * ch + y * row + x].
struct Map {
  v8* p;
  long row, ch;
};

// How many output channels one pass holds in registers, and how many pixels beside them.
static inline int block_of(int channels) {
  for (int b : {5, 6, 4, 3, 2})
    if (channels % b == 0) return b;
  return 1;
}

// out(o, y, x) = bias(o) + sum over (c, ky, kx) of w[block][c][ky][kx][OB] * in(c, y + ky, x + kx)
template <int K, int OB, int PB>
static void conv_t(Map in, int IC, const float* w, const float* bias, Map out, int OC, int OH, int OW) {
  for (int y = 0; y < OH; y++)
    for (int ob = 0; ob < OC; ob += OB)
      for (int x0 = 0; x0 < OW; x0 += PB) {
        // the last block overlaps the one before it instead of a slow tail
        const int x = x0 + PB <= OW ? x0 : OW - PB;
        v8 acc[OB][PB];
        UNROLL for (int o = 0; o < OB; o++) UNROLL for (int p = 0; p < PB; p++) acc[o][p] = bc(bias ? bias[ob + o] : 0.f);
        const float* wp = w + (long)ob * IC * K * K;
        for (int c = 0; c < IC; c++) {
          const v8* row = in.p + c * in.ch + y * in.row + x;
          for (int ky = 0; ky < K; ky++, row += in.row)
            UNROLL for (int kx = 0; kx < K; kx++, wp += OB) {
              v8 in_p[PB];
              UNROLL for (int p = 0; p < PB; p++) in_p[p] = row[kx + p];
              UNROLL for (int o = 0; o < OB; o++) {
                const v8 b = bc(wp[o]);
                UNROLL for (int p = 0; p < PB; p++) acc[o][p] += b * in_p[p];
              }
            }
        }
        UNROLL for (int o = 0; o < OB; o++) UNROLL for (int p = 0; p < PB; p++) out.p[(ob + o) * out.ch + y * out.row + x + p] = acc[o][p];
      }
}

template <int K>
static void conv_k(Map in, int IC, const float* w, const float* bias, Map out, int OC, int OH, int OW) {
  switch (block_of(OC)) {
    case 6: return conv_t<K, 6, 2>(in, IC, w, bias, out, OC, OH, OW);
    case 5: return conv_t<K, 5, 2>(in, IC, w, bias, out, OC, OH, OW);
    case 4: return conv_t<K, 4, 3>(in, IC, w, bias, out, OC, OH, OW);
    case 3: return conv_t<K, 3, 4>(in, IC, w, bias, out, OC, OH, OW);
    case 2: return conv_t<K, 2, 4>(in, IC, w, bias, out, OC, OH, OW);
    default: return conv_t<K, 1, 8>(in, IC, w, bias, out, OC, OH, OW);
  }
}

static void conv(int K, Map in, int IC, const float* w, const float* bias, Map out, int OC, int OH, int OW) {
  if (K == 3) conv_k<3>(in, IC, w, bias, out, OC, OH, OW);
  else if (K == 5) conv_k<5>(in, IC, w, bias, out, OC, OH, OW);
  else conv_k<7>(in, IC, w, bias, out, OC, OH, OW);
}

// w [OC][IC][K][K] -> [block][IC][K][K][OB] for conv; `back` swaps channels and turns the taps around.
static void pack(const float* w, int OC, int IC, int K, float* out, bool back) {
  const int A = back ? IC : OC, B = back ? OC : IC, OB = block_of(A), T = K * K;
  for (int a = 0; a < A; a++)
    for (int b = 0; b < B; b++)
      for (int t = 0; t < T; t++)
        out[((long)(a / OB) * B + b) * T * OB + t * OB + a % OB] =
            back ? w[((long)b * IC + a) * T + T - 1 - t] : w[((long)a * IC + b) * T + t];
}

// One row of weight gradients: acc[t][o] += sum over x of dy(o, x) * in[x + offset[t]]
template <int OB, int TB>
static inline void wgrad_row(const v8* dy, long ch, const v8* in, const long* offset, int n, v8* acc) {
  v8 a[TB][OB];
  const v8* src[TB];
  UNROLL for (int t = 0; t < TB; t++) {
    src[t] = in + offset[t];
    UNROLL for (int o = 0; o < OB; o++) a[t][o] = acc[t * OB + o];
  }
  for (int x = 0; x < n; x++) {
    v8 in_t[TB];
    UNROLL for (int t = 0; t < TB; t++) in_t[t] = src[t][x];
    UNROLL for (int o = 0; o < OB; o++) {
      const v8 d = dy[o * ch + x];
      UNROLL for (int t = 0; t < TB; t++) a[t][o] += d * in_t[t];
    }
  }
  UNROLL for (int t = 0; t < TB; t++) UNROLL for (int o = 0; o < OB; o++) acc[t * OB + o] = a[t][o];
}

// acc [block][IC][K*K][OB] += weight gradients of one group of faces
template <int OB, int TB>
static void wgrad_t(int K, Map dy, int OC, int OH, int OW, Map in, int IC, v8* acc) {
  const int T = K * K;
  long offset[49];
  for (int t = 0; t < T; t++) offset[t] = (t / K) * in.row + t % K;
  for (int y = 0; y < OH; y++)
    for (int ob = 0; ob < OC; ob += OB) {
      const v8* d = dy.p + ob * dy.ch + y * dy.row;
      for (int c = 0; c < IC; c++) {
        const v8* src = in.p + c * in.ch + y * in.row;
        v8* a = acc + ((long)ob * IC + (long)c * OB) * T;
        int t = 0;
        for (; t + TB <= T; t += TB) wgrad_row<OB, TB>(d, dy.ch, src, offset + t, OW, a + t * OB);
        for (; t < T; t++) wgrad_row<OB, 1>(d, dy.ch, src, offset + t, OW, a + t * OB);
      }
    }
}

static void wgrad(int K, Map dy, int OC, int OH, int OW, Map in, int IC, v8* acc) {
  switch (block_of(OC)) {
    case 6: return wgrad_t<6, 2>(K, dy, OC, OH, OW, in, IC, acc);
    case 5: return wgrad_t<5, 2>(K, dy, OC, OH, OW, in, IC, acc);
    case 4: return wgrad_t<4, 3>(K, dy, OC, OH, OW, in, IC, acc);
    case 3: return wgrad_t<3, 3>(K, dy, OC, OH, OW, in, IC, acc);
    case 2: return wgrad_t<2, 3>(K, dy, OC, OH, OW, in, IC, acc);
    default: return wgrad_t<1, 3>(K, dy, OC, OH, OW, in, IC, acc);
  }
}

// out[j] = bias[j] + sum over i of w[j][n] * x[i]
template <int JB>
static void dense_t(const v8* x, int n, const float* w, const float* bias, v8* out) {
  v8 acc[JB];
  UNROLL for (int j = 0; j < JB; j++) acc[j] = bc(bias[j]);
  for (int i = 0; i < n; i++) {
    const v8 a = x[i];
    UNROLL for (int j = 0; j < JB; j++) acc[j] += bc(w[(long)j * n + i]) * a;
  }
  UNROLL for (int j = 0; j < JB; j++) out[j] = acc[j];
}

static void dense(const v8* x, int n, const float* w, const float* bias, v8* out, int m) {
  int j = 0;
  for (; j + 8 <= m; j += 8) dense_t<8>(x, n, w + (long)j * n, bias + j, out + j);
  for (; j < m; j++) dense_t<1>(x, n, w + (long)j * n, bias + j, out + j);
}

// dx[i] = sum over j of w[j][n] * d[j]
static void dense_back(const v8* d, int m, const float* w, v8* dx, int n) {
  int i = 0;
  for (; i + 8 <= n; i += 8) {
    v8 acc[8] = {};
    for (int j = 0; j < m; j++) UNROLL for (int k = 0; k < 8; k++) acc[k] += bc(w[(long)j * n + i + k]) * d[j];
    UNROLL for (int k = 0; k < 8; k++) dx[i + k] = acc[k];
  }
  for (; i < n; i++) {
    v8 acc = {};
    for (int j = 0; j < m; j++) acc += bc(w[(long)j * n + i]) * d[j];
    dx[i] = acc;
  }
}

// dw[j][n] = sum over groups and faces of d(g, j) * x(g, i); db alike
static void dense_wgrad(const v8* d, int m, const v8* x, int n, int groups, float* dw, float* db) {
  for (int j = 0; j < m; j++) {
    v8 s = {};
    for (int g = 0; g < groups; g++) s += d[(long)g * m + j];
    db[j] = hsum(s);
  }
  for (int i = 0; i < n; i += 4)
    for (int j = 0; j < m; j += 2) {
      const int in = n - i < 4 ? n - i : 4, jn = m - j < 2 ? m - j : 2;
      v8 acc[2][4] = {};
      for (int g = 0; g < groups; g++)
        for (int a = 0; a < jn; a++)
          for (int b = 0; b < in; b++) acc[a][b] += d[(long)g * m + j + a] * x[(long)g * n + i + b];
      for (int a = 0; a < jn; a++)
        for (int b = 0; b < in; b++) dw[(long)(j + a) * n + i + b] = hsum(acc[a][b]);
    }
}
