# voxconv_export_headers(target headers...): a shared library gives away what its public headers declare, and nothing else: not its own
# inner functions, nor those of the libraries it holds (fmt, faiss ...), which would meet other versions of themselves in a program.
#
# The headers are read, so that a new declaration needs no second entry: classes and structs, with all their members, and functions, which
# begin at the start of a line. The linker's version script names them as the compiler does (Itanium C++ ABI; B begins an ABI tag).
function(voxconv_export_headers target)
  set(symbols "")
  foreach(header ${ARGN})
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${header})
    file(STRINGS ${header} lines REGEX "^[A-Za-z]")
    foreach(line IN LISTS lines)
      if(line MATCHES "^(class|struct) ([A-Za-z0-9_]+)")
        string(LENGTH ${CMAKE_MATCH_2} length)
        set(name "7voxconv${length}${CMAKE_MATCH_2}")
        string(APPEND symbols "    _ZN${name}*;\n    _ZNK${name}*;\n    _ZT[ISV]N${name}E;\n")
      elseif(line MATCHES "^(using|namespace|template|inline|constexpr|enum|typedef)")
        # nothing that has a symbol
      elseif(line MATCHES "[ &*]([a-z_][a-z0-9_]*)\\(")
        string(LENGTH ${CMAKE_MATCH_1} length)
        string(APPEND symbols "    _ZN7voxconv${length}${CMAKE_MATCH_1}[BE]*;\n")
      endif()
    endforeach()
  endforeach()
  set(script ${CMAKE_CURRENT_BINARY_DIR}/${target}.exports)
  file(CONFIGURE OUTPUT ${script} CONTENT "{\n  global:\n${symbols}  local:\n    *;\n};\n")
  target_link_options(${target} PRIVATE -Wl,--version-script=${script})
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${script})
endfunction()
