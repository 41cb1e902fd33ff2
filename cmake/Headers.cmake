# SPDX-License-Identifier: GPL-2.0-or-later
# Whether each header compiles alone: the target all_verify_interface_header_sets, which
# scripts/lint --alone makes. It takes minutes and is in no other target.
file(GLOB_RECURSE SLUICE_HEADERS CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/include/*.h ${PROJECT_SOURCE_DIR}/include/*.hpp
  ${PROJECT_SOURCE_DIR}/loader/*.hpp ${PROJECT_SOURCE_DIR}/cli/*.hpp)
add_library(sluice_headers INTERFACE)
target_sources(sluice_headers INTERFACE
  FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${SLUICE_HEADERS})
target_link_libraries(sluice_headers INTERFACE sluice_cli)
set_target_properties(sluice_headers PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
