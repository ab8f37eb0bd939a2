#include "ops/kernels/rows.h"

#include <cmath>
#include <cstring>

#include "ops/kernels/simd.h"

namespace tome::ops::TOME_LEVEL {
namespace {

// Calls body(position, load, store) over [0, n): full vectors, then one vector through a zero-filled buffer for the
// tail. `body` maps the vectors loaded from the inputs to one output vector.
template <typename T, typename Body>
inline void map1(T* out, const T* x, std::size_t n, const Body& body) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, body(load(x + i)));
  if (i < n) {
    T tail[kLanes] = {};
    std::memcpy(static_cast<void*>(tail), x + i, (n - i) * sizeof(T));
    store(tail, body(load(tail)));
    std::memcpy(static_cast<void*>(out + i), tail, (n - i) * sizeof(T));
  }
}

template <typename T, typename Body>
inline void map2(T* out, const T* x, const T* y, std::size_t n, const Body& body) {
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store(out + i, body(load(x + i), load(y + i)));
  if (i < n) {
    T a[kLanes] = {};
    T b[kLanes] = {};
    std::memcpy(static_cast<void*>(a), x + i, (n - i) * sizeof(T));
    std::memcpy(static_cast<void*>(b), y + i, (n - i) * sizeof(T));
    store(a, body(load(a), load(b)));
    std::memcpy(static_cast<void*>(out + i), a, (n - i) * sizeof(T));
  }
}

// 1 / (1 + e^-x)
inline F32 sigmoid(F32 x) { return div(set1(1.0f), add(set1(1.0f), exp2_accurate(mul(x, set1(-1.44269504f))))); }

}  // namespace

template <typename T>
void rms_norm(const T* x, const float* weight, float epsilon, std::size_t rows, std::size_t width, T* out) {
  const std::size_t whole = width / kLanes * kLanes;
  for (std::size_t r = 0; r < rows; ++r, x += width, out += width) {
    F32 squares = zero();
    for (std::size_t i = 0; i < whole; i += kLanes) squares = fma(load(x + i), load(x + i), squares);
    float total = sum(squares);
    for (std::size_t i = whole; i < width; ++i) total += static_cast<float>(x[i]) * static_cast<float>(x[i]);
    const float inverse = 1.0f / std::sqrt(total / static_cast<float>(width) + epsilon);
    for (std::size_t i = 0; i < whole; i += kLanes) {
      store(out + i, mul(mul(load(x + i), set1(inverse)), load(weight + i)));
    }
    for (std::size_t i = whole; i < width; ++i) out[i] = T(static_cast<float>(x[i]) * inverse * weight[i]);
  }
}

// y = x r w with r = 1 / rms(x): dx = r w dy - x r^3 / width * sum(w dy x), dw = sum over rows of dy x r
template <typename T>
void rms_norm_backward(const T* x, const float* weight, float epsilon, const float* dy, std::size_t rows,
                       std::size_t width, float* dx, float* dw) {
  const std::size_t whole = width / kLanes * kLanes;
  for (std::size_t r = 0; r < rows; ++r, x += width, dy += width, dx += width) {
    F32 squares = zero();
    F32 products = zero();
    for (std::size_t i = 0; i < whole; i += kLanes) {
      const F32 v = load(x + i);
      squares = fma(v, v, squares);
      products = fma(mul(load(weight + i), load(dy + i)), v, products);
    }
    float square = sum(squares);
    float product = sum(products);
    for (std::size_t i = whole; i < width; ++i) {
      const auto v = static_cast<float>(x[i]);
      square += v * v;
      product += weight[i] * dy[i] * v;
    }
    const float inverse = 1.0f / std::sqrt(square / static_cast<float>(width) + epsilon);
    const float pull = -product * inverse * inverse * inverse / static_cast<float>(width);
    for (std::size_t i = 0; i < whole; i += kLanes) {
      const F32 v = load(x + i);
      const F32 d = load(dy + i);
      if (dw != nullptr) store(dw + i, fma(mul(d, v), set1(inverse), load(dw + i)));
      store(dx + i, fma(v, set1(pull), mul(mul(load(weight + i), d), set1(inverse))));
    }
    for (std::size_t i = whole; i < width; ++i) {
      const auto v = static_cast<float>(x[i]);
      const float d = dy[i];
      if (dw != nullptr) dw[i] += d * v * inverse;
      dx[i] = v * pull + weight[i] * d * inverse;
    }
  }
}

template <typename T>
void add_rows(T* x, const T* y, std::size_t n) {
  map2(x, x, y, n, [](F32 a, F32 b) { return add(a, b); });
}

template <typename T>
void add_f32(T* x, const float* y, std::size_t n) {
  const std::size_t whole = n / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) store(x + i, add(load(x + i), load(y + i)));
  for (std::size_t i = whole; i < n; ++i) x[i] = T(static_cast<float>(x[i]) + y[i]);
}

template <typename T>
void silu_product(T* gate, const T* up, std::size_t n) {
  map2(gate, gate, up, n, [](F32 g, F32 u) { return mul(mul(g, sigmoid(g)), u); });
}

// gelu_tanh(g) = g * sigmoid(2 sqrt(2/pi) (g + 0.044715 g^3))
template <typename T>
void gelu_product(T* gate, const T* up, std::size_t n) {
  map2(gate, gate, up, n, [](F32 g, F32 u) {
    const F32 inner = mul(g, fma(mul(g, g), set1(0.044715f), set1(1.0f)));
    return mul(mul(g, sigmoid(mul(inner, set1(1.5957691216f)))), u);
  });
}

namespace {

// The gradient of act(g) u; `activation` gives act(g) and its derivative.
template <typename T, typename Activation>
inline void product_backward(T* gate, T* up, const T* d_product, std::size_t n, const Activation& activation) {
  const auto body = [&](T* g, T* u, const T* d) {
    F32 value;
    F32 slope;
    activation(load(g), &value, &slope);
    const F32 dp = load(d);
    const F32 du = mul(dp, value);
    store(g, mul(mul(dp, load(u)), slope));
    store(u, du);
  };
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) body(gate + i, up + i, d_product + i);
  if (i < n) {
    T tails[3][kLanes] = {};
    const std::size_t bytes = (n - i) * sizeof(T);
    std::memcpy(static_cast<void*>(tails[0]), gate + i, bytes);
    std::memcpy(static_cast<void*>(tails[1]), up + i, bytes);
    std::memcpy(static_cast<void*>(tails[2]), d_product + i, bytes);
    body(tails[0], tails[1], tails[2]);
    std::memcpy(static_cast<void*>(gate + i), tails[0], bytes);
    std::memcpy(static_cast<void*>(up + i), tails[1], bytes);
  }
}

}  // namespace

template <typename T>
void silu_product_backward(T* gate, T* up, const T* d_product, std::size_t n) {
  product_backward(gate, up, d_product, n, [](F32 g, F32* value, F32* slope) {
    const F32 s = sigmoid(g);
    *value = mul(g, s);
    *slope = fma(*value, sub(set1(1.0f), s), s);
  });
}

template <typename T>
void gelu_product_backward(T* gate, T* up, const T* d_product, std::size_t n) {
  product_backward(gate, up, d_product, n, [](F32 g, F32* value, F32* slope) {
    const F32 square = mul(g, g);
    const F32 factor = set1(1.5957691216f);
    const F32 s = sigmoid(mul(mul(g, fma(square, set1(0.044715f), set1(1.0f))), factor));
    const F32 inner_slope = mul(fma(square, set1(3 * 0.044715f), set1(1.0f)), factor);
    *value = mul(g, s);
    *slope = fma(mul(*value, sub(set1(1.0f), s)), inner_slope, s);
  });
}

template <typename T>
void rope_half(T* x, std::size_t heads, std::size_t width, const float* cosine, const float* sine) {
  const std::size_t half = width / 2;
  const std::size_t whole = half / kLanes * kLanes;
  for (std::size_t h = 0; h < heads; ++h, x += width) {
    for (std::size_t i = 0; i < whole; i += kLanes) {
      const F32 a = load(x + i);
      const F32 b = load(x + half + i);
      const F32 c = load(cosine + i);
      const F32 s = load(sine + i);
      store(x + i, fms(a, c, mul(b, s)));
      store(x + half + i, fma(b, c, mul(a, s)));
    }
    for (std::size_t i = whole; i < half; ++i) {
      const float a = static_cast<float>(x[i]);
      const float b = static_cast<float>(x[half + i]);
      x[i] = T(a * cosine[i] - b * sine[i]);
      x[half + i] = T(b * cosine[i] + a * sine[i]);
    }
  }
}

template <typename T>
void rope_pairs(T* x, std::size_t heads, std::size_t width, const float* cosine, const float* sine) {
  for (std::size_t h = 0; h < heads; ++h, x += width) {
    for (std::size_t i = 0; i < width / 2; ++i) {
      const float a = static_cast<float>(x[2 * i]);
      const float b = static_cast<float>(x[2 * i + 1]);
      x[2 * i] = T(a * cosine[i] - b * sine[i]);
      x[2 * i + 1] = T(b * cosine[i] + a * sine[i]);
    }
  }
}

template <typename T>
float dot(const T* x, const float* w, std::size_t n) {
  constexpr std::size_t kSums = 4;  // one multiply-add would wait for the other
  F32 sums[kSums] = {zero(), zero(), zero(), zero()};
  std::size_t i = 0;
  for (; i + kSums * kLanes <= n; i += kSums * kLanes) {
    for (std::size_t s = 0; s < kSums; ++s) {
      sums[s] = fma(load(x + i + s * kLanes), load(w + i + s * kLanes), sums[s]);
    }
  }
  for (; i + kLanes <= n; i += kLanes) sums[0] = fma(load(x + i), load(w + i), sums[0]);
  float total = sum(add(add(sums[0], sums[1]), add(sums[2], sums[3])));
  for (; i < n; ++i) total += static_cast<float>(x[i]) * w[i];
  return total;
}

template <typename T>
float exponentials(const float* x, float peak, T* out, std::size_t n) {
  const auto power = [&](F32 v) { return exp2_accurate(mul(sub(v, set1(peak)), set1(1.44269504f))); };
  F32 total = zero();
  std::size_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const F32 e = power(load(x + i));
    total = add(total, e);
    store(out + i, e);
  }
  float rest = 0;
  if (i < n) {
    float tail[kLanes];
    T narrow[kLanes];
    for (std::size_t j = 0; j < kLanes; ++j) tail[j] = i + j < n ? x[i + j] : peak;
    store(tail, power(load(tail)));
    store(narrow, load(tail));
    std::memcpy(static_cast<void*>(out + i), narrow, (n - i) * sizeof(T));
    for (std::size_t j = 0; i + j < n; ++j) rest += tail[j];
  }
  return sum(total) + rest;
}

template <typename T>
void to_float(const T* x, float* out, std::size_t n) {
  const std::size_t whole = n / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) store(out + i, load(x + i));
  for (std::size_t i = whole; i < n; ++i) out[i] = static_cast<float>(x[i]);
}

template <typename T>
void from_float(const float* x, T* out, std::size_t n) {
  const std::size_t whole = n / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) store(out + i, load(x + i));
  for (std::size_t i = whole; i < n; ++i) out[i] = T(x[i]);
}

#define TOME_INSTANTIATE(T)                                                                                         \
  template void rms_norm<T>(const T*, const float*, float, std::size_t, std::size_t, T*);                           \
  template void rms_norm_backward<T>(const T*, const float*, float, const float*, std::size_t, std::size_t, float*, \
                                     float*);                                                                       \
  template void silu_product_backward<T>(T*, T*, const T*, std::size_t);                                            \
  template void gelu_product_backward<T>(T*, T*, const T*, std::size_t);                                            \
  template void add_rows<T>(T*, const T*, std::size_t);                                                             \
  template void add_f32<T>(T*, const float*, std::size_t);                                                          \
  template void silu_product<T>(T*, const T*, std::size_t);                                                         \
  template void gelu_product<T>(T*, const T*, std::size_t);                                                         \
  template void rope_half<T>(T*, std::size_t, std::size_t, const float*, const float*);                             \
  template void rope_pairs<T>(T*, std::size_t, std::size_t, const float*, const float*);                            \
  template float dot<T>(const T*, const float*, std::size_t);                                                       \
  template float exponentials<T>(const float*, float, T*, std::size_t);                                             \
  template void to_float<T>(const T*, float*, std::size_t);                                                         \
  template void from_float<T>(const float*, T*, std::size_t);
TOME_INSTANTIATE(tome::bf16)
TOME_INSTANTIATE(float)
#undef TOME_INSTANTIATE

}  // namespace tome::ops::TOME_LEVEL
