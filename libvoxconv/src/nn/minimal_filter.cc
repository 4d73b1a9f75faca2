#include "nn/minimal_filter.h"

#include <array>
#include <cstddef>
#include <utility>

namespace voxconv::nn {
namespace {

using Layout = MinimalFilter::Layout;
constexpr std::int64_t width = 16;  // channels that are handled together

constexpr double power(double x, int n) { return n == 0 ? 1 : x * power(x, n - 1); }

/// The matrices for polynomials that are multiplied by their values at `points` (and at infinity), transposed to a filter.
template <int Outputs, int Taps>
struct Matrices {
  static constexpr int points = Outputs + Taps - 1;
  double input[points][points] = {}, filter[points][Taps] = {}, output[Outputs][points] = {};

  constexpr explicit Matrices(const std::array<double, points - 1>& at) {
    for (int p = 0; p < points; ++p) {
      const bool infinity = p == points - 1;
      // The polynomial that is zero at all other points, and its value here.
      double polynomial[points + 1] = {1}, value = 1, largest = 0;
      int degree = 0;
      for (int q = 0; q < points - 1; ++q) {
        if (q == p) continue;
        for (int k = ++degree; k >= 0; --k) polynomial[k] = (k > 0 ? polynomial[k - 1] : 0) - at[q] * polynomial[k];
        if (!infinity) value *= at[p] - at[q];
      }
      for (int k = 0; k <= degree; ++k)
        largest = polynomial[k] > largest ? polynomial[k] : -polynomial[k] > largest ? -polynomial[k] : largest;
      double scale = 1;  // a power of two that brings the input's factors to about 1: products of like size round best
      while (scale * largest > 1.5) scale /= 2;
      for (int k = 0; k <= degree; ++k) input[p][k] = polynomial[k] * scale;
      for (int j = 0; j < Taps; ++j) filter[p][j] = infinity ? (j == Taps - 1 ? 1 / scale : 0) : power(at[p], j) / value / scale;
      for (int i = 0; i < Outputs; ++i) output[i][p] = infinity ? (i == Outputs - 1 ? 1 : 0) : power(at[p], i);
    }
  }
};

struct Seven {  // 4 outputs of 4 taps
  static constexpr int outputs = 4, taps = 4;
  using Transform = Matrices<outputs, taps>;
  static constexpr Transform matrices{{0, 1, -1, 2, -2, 0.5}};
};
struct Eight {  // 6 outputs of 3 taps
  static constexpr int outputs = 6, taps = 3;
  using Transform = Matrices<outputs, taps>;
  static constexpr Transform matrices{{0, 1, -1, 2, -2, 0.5, -0.5}};
};

#define VOXCONV_INLINE [[gnu::always_inline]] inline

/// 16 neighbouring channels, anywhere in memory. Compilers make of it what the processor has.
using Channels [[gnu::vector_size(16 * sizeof(float)), gnu::aligned(alignof(float)), gnu::may_alias]] = float;

VOXCONV_INLINE void load(Channels& value, const float* at) { value = *reinterpret_cast<const Channels*>(at); }
VOXCONV_INLINE void store(float* at, const Channels& value) { *reinterpret_cast<Channels*>(at) = value; }

/// One factor of a row of `Matrix`, a member of Matrices: adds factor * x to the sum of what stands before it in the row.
template <class Scheme, auto Matrix, std::size_t Row, std::size_t Column>
VOXCONV_INLINE void add_term(Channels& sum, const Channels* x) {
  constexpr auto& row = (Scheme::matrices.*Matrix)[Row];
  constexpr double factor = row[Column];
  constexpr bool first = [] {
    for (std::size_t c = 0; c < Column; ++c)
      if (row[c] != 0) return false;
    return true;
  }();
  if constexpr (factor == 0)
    return;
  else if constexpr (factor == 1)
    sum = first ? x[Column] : sum + x[Column];
  else if constexpr (factor == -1 && !first)
    sum = sum - x[Column];
  else
    sum = first ? static_cast<float>(factor) * x[Column] : sum + static_cast<float>(factor) * x[Column];
}

/// A row of a matrix times a vector, without what is zero.
template <class Scheme, auto Matrix, std::size_t Row, std::size_t... Column>
VOXCONV_INLINE void row_times(const Channels* x, Channels& sum, std::index_sequence<Column...>) {
  (add_term<Scheme, Matrix, Row, Column>(sum, x), ...);
}

template <class Scheme, auto Matrix, std::size_t... Row>
VOXCONV_INLINE void times(const Channels* x, Channels* y, std::index_sequence<Row...>) {
  (row_times<Scheme, Matrix, Row>(x, y[Row], std::make_index_sequence<Scheme::matrices.points>()), ...);
}

template <class Scheme>
VOXCONV_INLINE void input(const float* x, float* products, std::int64_t groups, Layout layout) {
  constexpr std::size_t points = Scheme::matrices.points;
  const std::int64_t channels = layout.channels, step = layout.dilation * channels;
  for (std::int64_t t = 0; t < groups; ++t, x += Scheme::outputs * step, products += points * step)
    for (std::int64_t q = 0; q < layout.dilation; ++q)
      for (std::int64_t c = 0; c < channels; c += width) {
        const float* from = x + q * channels + c;
        float* to = products + q * static_cast<std::int64_t>(points) * channels + c;
        Channels in[points], out[points];
        for (std::size_t p = 0; p < points; ++p) load(in[p], from + static_cast<std::int64_t>(p) * step);
        times<Scheme, &Scheme::Transform::input>(in, out, std::make_index_sequence<points>());
        for (std::size_t p = 0; p < points; ++p) store(to + static_cast<std::int64_t>(p) * channels, out[p]);
      }
}

template <class Scheme, bool Add>
VOXCONV_INLINE void output(const float* products, const float* bias, const float* residual, float slope, float* y, std::int64_t groups,
                           Layout layout) {
  constexpr std::size_t points = Scheme::matrices.points, outputs = Scheme::outputs;
  const std::int64_t channels = layout.channels, step = layout.dilation * channels;
  for (std::int64_t t = 0; t < groups; ++t, products += points * step)
    for (std::int64_t q = 0; q < layout.dilation; ++q)
      for (std::int64_t c = 0; c < channels; c += width) {
        const float* from = products + q * static_cast<std::int64_t>(points) * channels + c;
        const std::int64_t at = t * Scheme::outputs * step + q * channels + c;
        Channels in[points], out[outputs];
        for (std::size_t p = 0; p < points; ++p) load(in[p], from + static_cast<std::int64_t>(p) * channels);
        times<Scheme, &Scheme::Transform::output>(in, out, std::make_index_sequence<outputs>());
        Channels offset;
        load(offset, bias + c);
        for (std::size_t i = 0; i < outputs; ++i) {
          const std::int64_t sample = at + static_cast<std::int64_t>(i) * step;
          const Channels value = out[i] + offset;
          if constexpr (Add) {
            Channels beside;
            load(beside, residual + sample);
            store(y + sample, value + beside);
          } else {
            store(y + sample, value > 0 ? value : value * slope);
          }
        }
      }
}

#if defined(__x86_64__)
#define VOXCONV_AVX512 __attribute__((target("arch=x86-64-v4")))
#define VOXCONV_AVX2 __attribute__((target("arch=x86-64-v3")))
#endif

/// The same code for each kind of processor.
#define VOXCONV_VARIANT(NAME, TARGET)                                                                                                    \
  template <class Scheme>                                                                                                                \
  struct NAME {                                                                                                                          \
    TARGET static void run_input(const float* x, float* products, std::int64_t groups, Layout layout) {                                  \
      input<Scheme>(x, products, groups, layout);                                                                                        \
    }                                                                                                                                    \
    TARGET static void run_output(const float* products, const float* bias, float slope, float* y, std::int64_t groups, Layout layout) { \
      output<Scheme, false>(products, bias, nullptr, slope, y, groups, layout);                                                          \
    }                                                                                                                                    \
    TARGET static void run_output_add(const float* products, const float* bias, const float* residual, float* y, std::int64_t groups,    \
                                      Layout layout) {                                                                                   \
      output<Scheme, true>(products, bias, residual, 1, y, groups, layout);                                                              \
    }                                                                                                                                    \
  }
VOXCONV_VARIANT(Plain, );
#if defined(__x86_64__)
VOXCONV_VARIANT(Avx2, VOXCONV_AVX2);
VOXCONV_VARIANT(Avx512, VOXCONV_AVX512);
#endif

template <class Scheme, template <class> class Variant>
MinimalFilter variant() {
  return {Scheme::outputs,
          Scheme::taps,
          Scheme::matrices.points,
          &Scheme::matrices.filter[0][0],
          Variant<Scheme>::run_input,
          Variant<Scheme>::run_output,
          Variant<Scheme>::run_output_add};
}

template <class Scheme>
MinimalFilter for_this_processor() {
#if defined(__x86_64__)
  // What of x86-64-v4 and -v3 the transforms use; not every compiler knows the levels by name here.
  if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw"))
    return variant<Scheme, Avx512>();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return variant<Scheme, Avx2>();
#endif
  return variant<Scheme, Plain>();
}

}  // namespace

const MinimalFilter& minimal_filter(std::int64_t taps) {
  static const MinimalFilter seven = for_this_processor<Seven>(), eight = for_this_processor<Eight>();
  return taps <= 3 ? eight : seven;
}

}  // namespace voxconv::nn
