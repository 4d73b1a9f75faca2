# faiss as one imported target, Faiss::Faiss.
#
# Debian's package brings a static library. Its own cmake file names one BLAS by path and in front of LibTorch; here BLAS and LAPACK come
# behind everything else and only for what is still missing then: LibTorch brings its own, and two of them in one process is one too many.
find_path(Faiss_INCLUDE_DIR faiss/IndexIVFFlat.h)
find_library(Faiss_LIBRARY faiss)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(
  Faiss REQUIRED_VARS Faiss_LIBRARY Faiss_INCLUDE_DIR REASON_FAILURE_MESSAGE "Run scripts/setup, or install libfaiss-dev")
mark_as_advanced(Faiss_INCLUDE_DIR Faiss_LIBRARY)

if(Faiss_FOUND AND NOT TARGET Faiss::Faiss)
  add_library(Faiss::Faiss INTERFACE IMPORTED)
  target_include_directories(Faiss::Faiss SYSTEM INTERFACE ${Faiss_INCLUDE_DIR})
  target_link_libraries(Faiss::Faiss INTERFACE ${Faiss_LIBRARY} LibTorch::LibTorch gomp
                                               -Wl,--push-state,--as-needed,-lblas,-llapack,--pop-state)
endif()
