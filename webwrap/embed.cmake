# Writes a text file into a source file, as the constant `name` in namespace webwrap.
function(webwrap_embed_text input name output)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${input})
  file(READ ${input} text)
  file(GENERATE OUTPUT ${output}
       CONTENT "namespace webwrap {\n\nextern const char ${name}[];\nconst char ${name}[] = R\"embedded(${text})embedded\";\n\n}  // namespace webwrap\n")
endfunction()

# Writes store/migrations/*.sql into a source file, as the strings that sqlite_migrations() gives.
function(webwrap_embed_migrations output)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/store/migrations/*.sql)
  list(SORT files)
  set(source "#include \"store/sqlite_connection.h\"\n\nnamespace webwrap {\n\n")
  string(APPEND source "const std::vector<std::string_view>& sqlite_migrations() {\n  static const std::vector<std::string_view> all = {\n")
  foreach(file IN LISTS files)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} sql)
    string(APPEND source "R\"migration(${sql})migration\",\n")
  endforeach()
  string(APPEND source "  };\n  return all;\n}\n\n}  // namespace webwrap\n")
  file(GENERATE OUTPUT ${output} CONTENT "${source}")
endfunction()
