// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstdio>

#include "cli/app.hpp"

int main(int argc, char** argv) { return sluice::cli::run(argc, argv, stdout, stderr); }
