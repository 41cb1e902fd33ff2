// SPDX-License-Identifier: GPL-2.0-or-later
// Files and folders that are nobody else's business: what they say, and whether they are locked.
#pragma once

#include <filesystem>

#include "loader/base/fd.hpp"
#include "sluice/error.hpp"

namespace sluice {

/// Makes a folder that only its owner may enter, and those above it where they are missing. One
/// that others may enter, of an older sluice, is shut, and so are the files in it. Errors: refused
/// (it belongs to another user, or is a link), else as of errno.
[[nodiscard]] Result<> make_private_folder(const std::filesystem::path& folder);

/// Opens a file of such a folder to read and write; makes it, readable to its owner alone, where it
/// is missing. A link is not followed. Errors: as of errno.
[[nodiscard]] Result<Fd> open_private_file(const std::filesystem::path& file);

}  // namespace sluice
