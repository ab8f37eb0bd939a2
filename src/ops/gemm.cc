#include "ops/gemm.h"

#include <omp.h>

#include <compare>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>

#include "base/error.h"
#include "ops/kernels/kernels.h"

namespace tome::ops {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;
using Type = memory::data_type;

// oneDNN follows the level chosen for our own kernels, and never starts threads of its own.
const dnnl::engine& engine() {
  static const dnnl::engine instance = [] {
    const auto level = kernels().level;
    dnnl::set_max_cpu_isa(level == CpuLevel::kBf16     ? dnnl::cpu_isa::all
                          : level == CpuLevel::kAvx512 ? dnnl::cpu_isa::avx512_core
                                                       : dnnl::cpu_isa::avx2);
    return dnnl::engine(dnnl::engine::kind::cpu, 0);
  }();
  return instance;
}

dnnl::stream& stream() {
  thread_local dnnl::stream instance = [] {
    omp_set_num_threads(1);
    return dnnl::stream(engine());
  }();
  return instance;
}

template <typename T>
Type activation_type() {
  return sizeof(T) == 2 && multiplies_bf16() ? Type::bf16 : Type::f32;
}

memory::dim dim(std::size_t n) { return static_cast<memory::dim>(n); }

struct ProductShape {
  Type type;
  std::size_t rows, in, out, y_stride;
  auto operator<=>(const ProductShape&) const = default;
};

dnnl::matmul::primitive_desc describe(const ProductShape& shape, const memory::desc& weights) {
  const memory::desc x({dim(shape.rows), dim(shape.in)}, shape.type, memory::dims{dim(shape.in), 1});
  const memory::desc y({dim(shape.rows), dim(shape.out)}, shape.type, memory::dims{dim(shape.y_stride), 1});
  return {dnnl::matmul::desc(x, weights, y), engine()};
}

// Each thread keeps the products it has made: making one takes longer than a small one runs. All matrices of one shape
// are packed alike, so they share their product.
const dnnl::matmul& product(const ProductShape& shape, const memory::desc& weights) {
  thread_local std::map<ProductShape, dnnl::matmul> made;
  auto& slot = made[shape];
  if (!slot) slot = dnnl::matmul(describe(shape, weights));
  return slot;
}

constexpr std::size_t kUsualRows = 96;  // the packing is chosen for this many rows at a time

}  // namespace

bool multiplies_bf16() { return kernels().level == CpuLevel::kBf16; }

template <typename T>
struct PackedMatrix<T>::State {
  std::size_t out, in;
  memory packed;
};

template <typename T>
PackedMatrix<T>::PackedMatrix(std::size_t out, std::size_t in) : state_(std::make_unique<State>()) {
  state_->out = out;
  state_->in = in;
  const memory::desc any({dim(in), dim(out)}, activation_type<T>(), Tag::any);
  state_->packed = memory(describe({activation_type<T>(), kUsualRows, in, out, out}, any).weights_desc(), engine());
}
template <typename T>
PackedMatrix<T>::~PackedMatrix() = default;
template <typename T>
PackedMatrix<T>::PackedMatrix(PackedMatrix&&) noexcept = default;
template <typename T>
PackedMatrix<T>& PackedMatrix<T>::operator=(PackedMatrix&&) noexcept = default;

template <typename T>
std::size_t PackedMatrix<T>::out() const {
  return state_->out;
}
template <typename T>
std::size_t PackedMatrix<T>::in() const {
  return state_->in;
}
template <typename T>
std::size_t PackedMatrix<T>::bytes() const {
  return state_->packed.get_desc().get_size();
}

template <typename T>
void PackedMatrix<T>::pack(std::span<const float> weights) {
  TOME_CHECK(weights.size() == state_->out * state_->in);
  memory plain({{dim(state_->in), dim(state_->out)}, Type::f32, Tag::ba}, engine(), const_cast<float*>(weights.data()));
  dnnl::reorder(plain, state_->packed).execute(stream(), plain, state_->packed);
  stream().wait();
}

template <typename T>
void PackedMatrix<T>::multiply(const T* x, std::size_t rows, T* y, std::size_t y_stride) const {
  if (rows == 0) return;
  const auto run = [&](void* from, void* to) {
    const auto type = activation_type<T>();
    memory x_memory({{dim(rows), dim(state_->in)}, type, memory::dims{dim(state_->in), 1}}, engine(), from);
    memory y_memory({{dim(rows), dim(state_->out)}, type, memory::dims{dim(y_stride), 1}}, engine(), to);
    product({type, rows, state_->in, state_->out, y_stride}, state_->packed.get_desc())
        .execute(stream(), {{DNNL_ARG_SRC, x_memory}, {DNNL_ARG_WEIGHTS, state_->packed}, {DNNL_ARG_DST, y_memory}});
    stream().wait();
  };
  if constexpr (sizeof(T) == 2) {
    if (!multiplies_bf16()) {  // no bf16 instructions: widen, multiply in f32, narrow
      thread_local std::vector<float> wide_x;
      thread_local std::vector<float> wide_y;
      wide_x.resize(rows * state_->in);
      wide_y.resize(rows * y_stride);
      const auto& row_kernels = kernels().rows<T>();
      row_kernels.to_float(x, wide_x.data(), wide_x.size());
      run(wide_x.data(), wide_y.data());
      for (std::size_t r = 0; r < rows; ++r) {
        row_kernels.from_float(wide_y.data() + r * y_stride, y + r * y_stride, state_->out);
      }
      return;
    }
  }
  run(const_cast<T*>(x), y);
}

template class PackedMatrix<bf16>;
template class PackedMatrix<float>;

}  // namespace tome::ops
