// Images to tiles and back, for winograd.cpp: blocks, buffers and the transforms of Lavin & Gray 2016, https://arxiv.org/abs/1509.09308.
#pragma once
#include <immintrin.h>
#include <sys/mman.h>
#include <algorithm>
#include <cstdlib>

namespace {
using vec = __m256;
constexpr int PAD = 16;
constexpr size_t HUGE_PAGE = 2 << 20;

inline vec load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, vec v) { _mm256_storeu_ps(p, v); }
inline vec set(float v) { return _mm256_set1_ps(v); }

struct Buffer {
  float* at = nullptr;
  size_t size = 0;
  float* hold(size_t floats) {
    if (floats > size) {
      std::free(at);
      const size_t bytes = (floats * 4 + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
      at = static_cast<float*>(std::aligned_alloc(HUGE_PAGE, bytes));
#ifdef MADV_HUGEPAGE
      madvise(at, bytes, MADV_HUGEPAGE);
#endif
      size = floats;
    }
    return at;
  }
};
Buffer inBlock, outBlock, gradBlock, packed, gradients;

/** Images to a block and their tiles. */
struct Block {
  /** Few enough that most planes of a product stay in a cache of half a megabyte. */
  static constexpr int TILES = 72;
  int side, across, images, tiles;
  Block(int side_, int m) : side(side_), across((side_ + m - 1) / m), images(std::max(1, TILES / (across * across))), tiles(images * across * across) {}
  size_t plane(int channels) const { return static_cast<size_t>(tiles) * channels + PAD; }
};

/** B^T (in), A^T (out) and A (grad) applied to one column of vectors, results `so` apart; G. */
template <int M>
struct Rows;
template <>
struct Rows<4> {
static constexpr float G[6][3] = {{1 / 4.f, 0, 0}, {-1 / 6.f, -1 / 6.f, -1 / 6.f}, {-1 / 6.f, 1 / 6.f, -1 / 6.f}, {1 / 24.f, 1 / 12.f, 1 / 6.f}, {1 / 24.f, -1 / 12.f, 1 / 6.f}, {0, 0, 1}};
static void in(const vec* d, vec* o, int so) {
  const vec four = set(4), five = set(5), two = set(2);
  const vec a = _mm256_fnmadd_ps(four, d[2], d[4]), b = _mm256_fnmadd_ps(four, d[1], d[3]);
  const vec c = _mm256_sub_ps(d[4], d[2]), e = _mm256_mul_ps(two, _mm256_sub_ps(d[3], d[1]));
  o[0] = _mm256_fmadd_ps(four, d[0], _mm256_fnmadd_ps(five, d[2], d[4]));
  o[so] = _mm256_add_ps(a, b);
  o[2 * so] = _mm256_sub_ps(a, b);
  o[3 * so] = _mm256_add_ps(c, e);
  o[4 * so] = _mm256_sub_ps(c, e);
  o[5 * so] = _mm256_fmadd_ps(four, d[1], _mm256_fnmadd_ps(five, d[3], d[5]));
}
static void out(const vec* m, vec* o, int so) {
  const vec a = _mm256_add_ps(m[1], m[2]), b = _mm256_sub_ps(m[1], m[2]), c = _mm256_add_ps(m[3], m[4]), d = _mm256_sub_ps(m[3], m[4]);
  o[0] = _mm256_add_ps(m[0], _mm256_add_ps(a, c));
  o[so] = _mm256_fmadd_ps(set(2), d, b);
  o[2 * so] = _mm256_fmadd_ps(set(4), c, a);
  o[3 * so] = _mm256_add_ps(m[5], _mm256_fmadd_ps(set(8), d, b));
}
static void grad(const vec* d, vec* o, int so) {
  const vec even = _mm256_add_ps(d[0], d[2]), odd = _mm256_add_ps(d[1], d[3]);
  const vec even2 = _mm256_fmadd_ps(set(4), d[2], d[0]), odd2 = _mm256_fmadd_ps(set(8), d[3], _mm256_mul_ps(set(2), d[1]));
  o[0] = d[0];
  o[so] = _mm256_add_ps(even, odd);
  o[2 * so] = _mm256_sub_ps(even, odd);
  o[3 * so] = _mm256_add_ps(even2, odd2);
  o[4 * so] = _mm256_sub_ps(even2, odd2);
  o[5 * so] = d[3];
}
};
template <>
struct Rows<3> {
static constexpr float G[5][3] = {{1 / 2.f, 0, 0}, {-1 / 2.f, -1 / 2.f, -1 / 2.f}, {-1 / 6.f, 1 / 6.f, -1 / 6.f}, {1 / 6.f, 1 / 3.f, 2 / 3.f}, {0, 0, 1}};
static void in(const vec* d, vec* o, int so) {
  const vec two = set(2), a = _mm256_sub_ps(d[3], d[1]);
  o[0] = _mm256_fmadd_ps(two, _mm256_sub_ps(d[0], d[2]), a);
  o[so] = _mm256_fnmadd_ps(two, d[1], _mm256_sub_ps(d[3], d[2]));
  o[2 * so] = _mm256_fmadd_ps(two, d[1], _mm256_fnmadd_ps(set(3), d[2], d[3]));
  o[3 * so] = a;
  o[4 * so] = _mm256_fnmadd_ps(two, a, _mm256_sub_ps(d[4], d[2]));
}
static void out(const vec* m, vec* o, int so) {
  const vec a = _mm256_add_ps(m[1], m[2]), b = _mm256_sub_ps(m[1], m[2]);
  o[0] = _mm256_add_ps(m[0], _mm256_add_ps(a, m[3]));
  o[so] = _mm256_fmadd_ps(set(2), m[3], b);
  o[2 * so] = _mm256_add_ps(m[4], _mm256_fmadd_ps(set(4), m[3], a));
}
static void grad(const vec* d, vec* o, int so) {
  const vec even = _mm256_add_ps(d[0], d[2]);
  o[0] = d[0];
  o[so] = _mm256_add_ps(even, d[1]);
  o[2 * so] = _mm256_sub_ps(even, d[1]);
  o[3 * so] = _mm256_fmadd_ps(set(4), d[2], _mm256_fmadd_ps(set(2), d[1], d[0]));
  o[4 * so] = d[2];
}
};

/** Where tile t of a block begins: image, row and column of its first output. */
struct Place {
  int image, y, x;
  Place(int t, const Block& b, int m) : image(t / (b.across * b.across)), y(t / b.across % b.across * m), x(t % b.across * m) {}
};

/** Images [n, side, side, channels] -> B^T d B of every tile; two tiles at a time fill a cache line. */
template <int M>
void transformIn(const float* x, int images, const Block& b, int channels, float* to) {
  constexpr int N = M + 2;
  const size_t plane = b.plane(channels), row = static_cast<size_t>(b.side) * channels;
  const int tiles = images * b.across * b.across;
  for (int t = 0; t < tiles; t += 2) {
    const int count = std::min(2, tiles - t);
    const Place places[2] = {Place(t, b, M), Place(std::min(t + 1, tiles - 1), b, M)};
    for (int c = 0; c < channels; c += 8)
      for (int k = 0; k < count; k++) {
        const int y0 = places[k].y - 1, x0 = places[k].x - 1;
        const float* at = x + places[k].image * b.side * row + y0 * static_cast<long>(row) + x0 * static_cast<long>(channels) + c;
        const bool inner = y0 >= 0 && x0 >= 0 && y0 + N <= b.side && x0 + N <= b.side;
        vec half[N * N];
        for (int j = 0; j < N; j++) {
          vec d[N];
          if (inner)
            for (int i = 0; i < N; i++) d[i] = load(at + i * row + j * channels);
          else
            for (int i = 0; i < N; i++) {
              const int yy = y0 + i, xx = x0 + j;
              d[i] = yy >= 0 && yy < b.side && xx >= 0 && xx < b.side ? load(at + i * row + j * channels) : _mm256_setzero_ps();
            }
          Rows<M>::in(d, half + j, N);
        }
        float* out = to + (static_cast<size_t>(c / 8) * b.tiles + t + k) * 8;
        for (int i = 0; i < N; i++) {
          vec line[N];
          Rows<M>::in(half + N * i, line, 1);
          for (int j = 0; j < N; j++) store(out + (N * i + j) * plane, line[j]);
        }
      }
  }
}

/** Gradients [n, side, side, channels] -> A dY A^T of every tile. */
template <int M>
void transformGrad(const float* dy, int images, const Block& b, int channels, float* to) {
  constexpr int N = M + 2;
  const size_t plane = b.plane(channels);
  int tile = 0;
  for (int n = 0; n < images; n++)
    for (int ty = 0; ty < b.across; ty++)
      for (int tx = 0; tx < b.across; tx++, tile++)
        for (int c = 0; c < channels; c += 8) {
          vec half[N * M];
          for (int j = 0; j < M; j++) {
            vec d[M];
            const int xx = M * tx + j;
            for (int i = 0; i < M; i++) {
              const int yy = M * ty + i;
              d[i] = yy < b.side && xx < b.side ? load(dy + ((static_cast<size_t>(n) * b.side + yy) * b.side + xx) * channels + c) : _mm256_setzero_ps();
            }
            Rows<M>::grad(d, half + j, M);
          }
          float* out = to + (static_cast<size_t>(c / 8) * b.tiles + tile) * 8;
          for (int i = 0; i < N; i++) {
            vec row[N];
            Rows<M>::grad(half + M * i, row, 1);
            for (int j = 0; j < N; j++) store(out + (N * i + j) * plane, row[j]);
          }
        }
}

/** A^T m A of every tile -> images [n, side, side, channels]. */
template <int M>
void transformOut(const float* from, int images, const Block& b, int channels, float* y) {
  constexpr int N = M + 2;
  const size_t plane = b.plane(channels);
  int tile = 0;
  for (int n = 0; n < images; n++)
    for (int ty = 0; ty < b.across; ty++)
      for (int tx = 0; tx < b.across; tx++, tile++)
        for (int c = 0; c < channels; c += 8) {
          const float* in = from + (static_cast<size_t>(c / 8) * b.tiles + tile) * 8;
          vec half[M * N];
          for (int j = 0; j < N; j++) {
            vec m[N];
            for (int i = 0; i < N; i++) m[i] = load(in + (N * i + j) * plane);
            Rows<M>::out(m, half + j, N);
          }
          for (int i = 0; i < M; i++) {
            vec row[M];
            Rows<M>::out(half + N * i, row, 1);
            const int yy = M * ty + i;
            if (yy >= b.side) break;
            for (int j = 0; j < M && M * tx + j < b.side; j++)
              store(y + ((static_cast<size_t>(n) * b.side + yy) * b.side + M * tx + j) * channels + c, row[j]);
          }
        }
}
}  // namespace
