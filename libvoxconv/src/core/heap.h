#pragma once

namespace voxconv {

/// While one is in scope, blocks of more than 256 KiB go back to the system as soon as they are freed; otherwise glibc's malloc keeps them
/// to use again. For loading models: what converting a weight takes for a moment would leave holes between the weights that stay, a quarter
/// of the memory in all. Holds for the whole process; scopes may be nested, in any thread.
class ReturningHeap {
 public:
  ReturningHeap();
  ~ReturningHeap();
  ReturningHeap(const ReturningHeap&) = delete;
  ReturningHeap& operator=(const ReturningHeap&) = delete;
};

}  // namespace voxconv
