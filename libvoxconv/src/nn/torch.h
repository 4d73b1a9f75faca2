#pragma once
// The one place LibTorch enters; precompiled for every layer from nn down.
#include <torch/torch.h>
