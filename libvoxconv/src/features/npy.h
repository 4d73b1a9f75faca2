#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace voxconv {

/// Numbers of a .npy file (NumPy's array format, versions 1 to 3) in C order.
struct NpyArray {
  std::vector<std::size_t> shape;
  std::vector<double> values;
};

/// Reads little-endian float32 or float64. Throws Error(not_found | io | usage) with what is wrong; the size claimed is checked against
/// the file before memory is taken.
NpyArray read_npy(const std::string& path);

/// Writes float32 of the given shape, atomically. Throws Error(io).
void write_npy(const std::string& path, const std::vector<std::size_t>& shape, const std::vector<float>& values);

}  // namespace voxconv
