// 3x3 convolutions with padding 1 over channels-last float32 planes, forward and both gradients, by Winograd's F(4x4, 3x3) or, where
// a side is a multiple of 3 and not of 4, F(3x3, 3x3) (Lavin & Gray 2016, https://arxiv.org/abs/1509.09308): 36 multiplications where
// the definition has 144, or 25 for 81. One thread, AVX2.
//
// A block of images is taken apart into tiles of M x M outputs; a transformed block is (M + 2)^2 planes [channels/8][tiles][8], so that
// every product over channels or over tiles reads and writes in order.
#include <cstring>
#include "norm.hpp"
#include "tiles.hpp"

namespace {
/** R tiles times 16 outputs, summed over channels. `a` is [k/8][tiles][8] at its first tile, `u` [k][16]. */
template <int R>
void multiply(const float* a, const float* u, float* to, int k, int tiles) {
  vec s[R][2];
#pragma GCC unroll 6
  for (int r = 0; r < R; r++) s[r][0] = s[r][1] = _mm256_setzero_ps();
  for (int kb = 0; kb < k; kb += 8, a += static_cast<size_t>(tiles) * 8) {
    // the tiles of the next call
    for (int line = 0; line < R * 8; line += 16) _mm_prefetch(reinterpret_cast<const char*>(a + R * 8 + line), _MM_HINT_T0);
#pragma GCC unroll 8
    for (int kk = 0; kk < 8; kk++, u += 16) {
      const vec u0 = _mm256_load_ps(u), u1 = _mm256_load_ps(u + 8);
#pragma GCC unroll 6
      for (int r = 0; r < R; r++) {
        const vec v = _mm256_broadcast_ss(a + r * 8 + kk);
        s[r][0] = _mm256_fmadd_ps(v, u0, s[r][0]);
        s[r][1] = _mm256_fmadd_ps(v, u1, s[r][1]);
      }
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < R; r++) store(to + r * 8, s[r][0]), store(to + static_cast<size_t>(tiles) * 8 + r * 8, s[r][1]);
}

void product(const float* a, const float* u, float* to, int tiles, int blockTiles, int k, int outs) {
  for (int o = 0; o < outs; o += 16, u += static_cast<size_t>(k) * 16) {
    float* out = to + static_cast<size_t>(o / 8) * blockTiles * 8;
    int t = 0;
    for (; t + 6 <= tiles; t += 6) multiply<6>(a + t * 8, u, out + t * 8, k, blockTiles);
    for (; t + 2 <= tiles; t += 2) multiply<2>(a + t * 8, u, out + t * 8, k, blockTiles);
    for (; t < tiles; t++) multiply<1>(a + t * 8, u, out + t * 8, k, blockTiles);
  }
}

/** R inputs times 16 outputs, summed over tiles and added to `to` [.][outs]. */
template <int R>
void correlate(const float* a, const float* d0, const float* d1, float* to, int outs, int tiles) {
  // the sums of the next call
  for (int r = R; r < 2 * R; r++) _mm_prefetch(reinterpret_cast<const char*>(to + static_cast<size_t>(r) * outs), _MM_HINT_T0);
  vec s[R][2];
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) s[r][0] = load(to + static_cast<size_t>(r) * outs), s[r][1] = load(to + static_cast<size_t>(r) * outs + 8);
#pragma GCC unroll 4
  for (int t = 0; t < tiles; t++, a += 8, d0 += 8, d1 += 8) {
    const vec u0 = load(d0), u1 = load(d1);
#pragma GCC unroll 4
    for (int r = 0; r < R; r++) {
      const vec v = _mm256_broadcast_ss(a + r);
      s[r][0] = _mm256_fmadd_ps(v, u0, s[r][0]);
      s[r][1] = _mm256_fmadd_ps(v, u1, s[r][1]);
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; r++) store(to + static_cast<size_t>(r) * outs, s[r][0]), store(to + static_cast<size_t>(r) * outs + 8, s[r][1]);
}

void correlation(const float* a, const float* d, float* to, int tiles, int blockTiles, int ins, int outs) {
  const size_t panel = static_cast<size_t>(blockTiles) * 8;
  for (int o = 0; o < outs; o += 16)
    for (int i = 0; i < ins; i += 4)
      correlate<4>(a + (i / 8) * panel + i % 8, d + (o / 8) * panel, d + (o / 8 + 1) * panel, to + static_cast<size_t>(i) * outs + o, outs, tiles);
}

/** w [outs, ins, 3, 3] -> G g G^T as [N^2][outs/16][ins][16]; turned: of the layer's transpose, with its kernels turned by 180 degrees. */
template <int M>
void transformWeights(const float* w, int outs, int ins, bool turned, float* to) {
  constexpr int N = M + 2;
  const int rows = turned ? ins : outs, cols = turned ? outs : ins;
  for (int o = 0; o < rows; o += 16)
    for (int i = 0; i < cols; i++) {
      float g[3][3][16], half[N][3][16];
      for (int l = 0; l < 16; l++) {
        const float* at = w + (turned ? static_cast<size_t>(i) * ins + o + l : static_cast<size_t>(o + l) * ins + i) * 9;
        for (int k = 0; k < 9; k++) g[k / 3][k % 3][l] = at[turned ? 8 - k : k];
      }
      for (int r = 0; r < N; r++)
        for (int c = 0; c < 3; c++)
          for (int l = 0; l < 16; l++) half[r][c][l] = Rows<M>::G[r][0] * g[0][c][l] + Rows<M>::G[r][1] * g[1][c][l] + Rows<M>::G[r][2] * g[2][c][l];
      for (int r = 0; r < N; r++)
        for (int c = 0; c < N; c++) {
          float* out = to + ((static_cast<size_t>(N * r + c) * (rows / 16) + o / 16) * cols + i) * 16;
          for (int l = 0; l < 16; l++) out[l] = half[r][0][l] * Rows<M>::G[c][0] + half[r][1][l] * Rows<M>::G[c][1] + half[r][2][l] * Rows<M>::G[c][2];
        }
    }
}

/** dU [N^2][ins][outs] -> G^T dU G as [outs, ins, 3, 3]. */
template <int M>
void transformWeightsBack(const float* from, int outs, int ins, float* dw) {
  constexpr int N = M + 2;
  const size_t plane = static_cast<size_t>(ins) * outs;
  for (int i = 0; i < ins; i++)
    for (int o = 0; o < outs; o += 16) {
      float half[3][N][16], g[16];
      for (int c = 0; c < N; c++)
        for (int r = 0; r < 3; r++)
          for (int l = 0; l < 16; l++) {
            float s = 0;
            for (int k = 0; k < N; k++) s += Rows<M>::G[k][r] * from[(N * k + c) * plane + static_cast<size_t>(i) * outs + o + l];
            half[r][c][l] = s;
          }
      for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++) {
          for (int l = 0; l < 16; l++) {
            float s = 0;
            for (int k = 0; k < N; k++) s += half[r][k][l] * Rows<M>::G[k][c];
            g[l] = s;
          }
          for (int l = 0; l < 16; l++) dw[((static_cast<size_t>(o + l)) * ins + i) * 9 + 3 * r + c] = g[l];
        }
    }
}

/** The convolution of all images with transformed weights. */
template <int M>
void convolve(const float* x, const float* u, float* y, int n, int side, int ins, int outs) {
  constexpr int planes = (M + 2) * (M + 2);
  const Block b(side, M);
  float* v = inBlock.hold(planes * b.plane(ins));
  float* m = outBlock.hold(planes * b.plane(outs));
  const size_t area = static_cast<size_t>(side) * side;
  for (int i = 0; i < n; i += b.images) {
    const int images = std::min(b.images, n - i), tiles = images * b.across * b.across;
    transformIn<M>(x + i * area * ins, images, b, ins, v);
    for (int f = 0; f < planes; f++)
      product(v + f * b.plane(ins), u + static_cast<size_t>(f) * ins * outs, m + f * b.plane(outs), tiles, b.tiles, ins, outs);
    transformOut<M>(m, images, b, outs, y + i * area * outs);
  }
}

template <int M>
void forward(const float* x, const float* w, float* y, int n, int side, int ins, int outs) {
  float* u = packed.hold(static_cast<size_t>(M + 2) * (M + 2) * ins * outs);
  transformWeights<M>(w, outs, ins, false, u);
  convolve<M>(x, u, y, n, side, ins, outs);
}

template <int M>
void backward(const float* x, const float* w, const float* dy, float* dx, float* dw, int n, int side, int ins, int outs) {
  constexpr int planes = (M + 2) * (M + 2);
  const Block b(side, M);
  const size_t area = static_cast<size_t>(side) * side, plane = static_cast<size_t>(ins) * outs;
  float* u = packed.hold(planes * plane);
  transformWeights<M>(w, outs, ins, true, u);
  convolve<M>(dy, u, dx, n, side, outs, ins);
  float* du = gradients.hold(planes * plane);
  std::memset(du, 0, planes * plane * sizeof(float));
  float* v = inBlock.hold(planes * b.plane(ins));
  float* d = gradBlock.hold(planes * b.plane(outs));
  for (int i = 0; i < n; i += b.images) {
    const int images = std::min(b.images, n - i), tiles = images * b.across * b.across;
    transformIn<M>(x + i * area * ins, images, b, ins, v);
    transformGrad<M>(dy + i * area * outs, images, b, outs, d);
    for (int f = 0; f < planes; f++) correlation(v + f * b.plane(ins), d + f * b.plane(outs), du + f * plane, tiles, b.tiles, ins, outs);
  }
  transformWeightsBack<M>(du, outs, ins, dw);
}

bool threes(int side) { return side % 4 != 0 && side % 3 == 0; }
}  // namespace

extern "C" {
/** x [n, side, side, ins], w [outs, ins, 3, 3] -> y [n, side, side, outs]. Channels are multiples of 16. */
void conv_forward(const float* x, const float* w, float* y, int n, int side, int ins, int outs) {
  (threes(side) ? forward<3> : forward<4>)(x, w, y, n, side, ins, outs);
}

/** dx and dw (overwritten) from dy. */
void conv_backward(const float* x, const float* w, const float* dy, float* dx, float* dw, int n, int side, int ins, int outs) {
  (threes(side) ? backward<3> : backward<4>)(x, w, dy, dx, dw, n, side, ins, outs);
}

void norm_forward(const float* x, const float* gamma, const float* beta, float* y, float* mean, float* inv, float* variance, long rows, int c, float eps) {
  normForward(x, gamma, beta, y, mean, inv, variance, rows, c, eps);
}

void norm_backward(const float* x, const float* gamma, const float* beta, const float* mean, const float* inv, const float* dy, float* dx, float* dgamma, float* dbeta, long rows, int c) {
  normBackward(x, gamma, beta, mean, inv, dy, dx, dgamma, dbeta, rows, c);
}
}
