# SPDX-License-Identifier: GPL-2.0-or-later
# sluice_add_bpf(NAME): compiles bpf/NAME.bpf.c and makes the skeleton header NAME.skel.h,
# which embeds the object, as the target sluice_bpf_NAME. Header dependencies are tracked by
# the compiler's own depfile.
find_program(SLUICE_BPF_CLANG NAMES clang-19 REQUIRED)
find_program(SLUICE_BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

# BPF code includes <asm/types.h>; Debian keeps it in the multi-arch folder.
set(SLUICE_MULTIARCH ${CMAKE_LIBRARY_ARCHITECTURE})

# All skeletons, for who only reads sources.
if(NOT TARGET sluice_bpf_skeletons)
  add_custom_target(sluice_bpf_skeletons)
endif()

function(sluice_add_bpf name)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${name}.bpf.c)
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/${name}.skel.h)
  add_custom_command(
    OUTPUT ${object}
    # -mcpu=v3: atomic operations that return the old value (Linux 5.12).
    COMMAND ${SLUICE_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -std=gnu11 -Wall -Wextra -Werror
            -Wno-unused-parameter -I${PROJECT_SOURCE_DIR}/include -I${PROJECT_SOURCE_DIR}/bpf
            -isystem /usr/include/${SLUICE_MULTIARCH} -fdebug-prefix-map=${PROJECT_SOURCE_DIR}=.
            -MD -MF ${object}.d -c ${source} -o ${object}
    DEPENDS ${source}
    DEPFILE ${object}.d
    COMMENT "BPF ${name}"
    VERBATIM)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${SLUICE_BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}
    DEPENDS ${object}
    COMMENT "Skeleton ${name}"
    VERBATIM)
  add_custom_target(sluice_bpf_${name}_skeleton DEPENDS ${skeleton})
  add_dependencies(sluice_bpf_skeletons sluice_bpf_${name}_skeleton)
  add_library(sluice_bpf_${name} INTERFACE)
  add_dependencies(sluice_bpf_${name} sluice_bpf_${name}_skeleton)
  target_include_directories(sluice_bpf_${name} SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR})
  target_link_libraries(sluice_bpf_${name} INTERFACE PkgConfig::LIBBPF)
endfunction()
