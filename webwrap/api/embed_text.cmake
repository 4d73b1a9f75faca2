# Writes a text file into a source file, as the constant `name` in namespace webwrap.
function(webwrap_embed_text input name output)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${input})
  file(READ ${input} text)
  file(GENERATE OUTPUT ${output}
       CONTENT "namespace webwrap {\n\nextern const char ${name}[];\nconst char ${name}[] = R\"embedded(${text})embedded\";\n\n}  // namespace webwrap\n")
endfunction()
