// SPDX-License-Identifier: GPL-2.0-or-later
// sluice-reference SOURCE INTO: writes references, completions and man pages from what the sources
// say. SOURCE: the folder of the sources; INTO: a folder, which may be there.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "cli/reference/completion.hpp"
#include "cli/reference/man.hpp"
#include "cli/reference/maps.hpp"
#include "cli/reference/markdown.hpp"
#include "loader/base/text_file.hpp"

namespace sluice::cli {
namespace {

using std::filesystem::path;

Result<> write(const path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream stream(file);
    if (stream << text << std::flush) return {};
    return fail(ErrorCode::failed, "could not write " + file.string());
}

Result<> write_pages(const Command& root, const path& source, const path& into) {
    SL_TRY(maps, map_references(source));
    SL_CHECK(write(into / "drops.md", drops_page()));
    SL_CHECK(write(into / "events.md", events_page()));
    SL_CHECK(write(into / "maps.md", maps_page(maps)));
    return write(into / "commands.md", commands_page(root));
}

Result<> write_completion(const Command& root, const path& source, const path& into) {
    const auto put_in = [&](const char* name, const auto& completion) -> Result<> {
        SL_TRY(form, read_text((source / "cli/completion" / name).string(), ""));
        return write(into / name, completion(root, form));
    };
    SL_CHECK(put_in("sluice.bash", bash_completion));
    SL_CHECK(put_in("_sluice", zsh_completion));
    return put_in("sluice.fish", fish_completion);
}

Result<> write_man_pages(const Command& root, const path& source, const path& into) {
    SL_TRY(form, read_text((source / "cli/man/sluice.8").string(), ""));
    for (const auto& [name, page] : man_pages(root, form)) SL_CHECK(write(into / name, page));
    return {};
}

Result<> write_all(const path& source, const path& into) {
    const auto root = command_tree();
    SL_CHECK(write_pages(root, source, into / "reference"));
    SL_CHECK(write_completion(root, source, into / "completion"));
    return write_man_pages(root, source, into / "man");
}

}  // namespace
}  // namespace sluice::cli

int main(int argc, char** argv) {
    if (argc != 3) {
        fmt::print(stderr, "usage: sluice-reference SOURCE INTO\n");
        return 2;
    }
    const auto done = sluice::cli::write_all(argv[1], argv[2]);
    if (!done) fmt::print(stderr, "sluice-reference: {}\n", done.error().message);
    return done ? 0 : 1;
}
